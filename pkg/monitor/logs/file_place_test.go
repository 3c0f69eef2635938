package logs

import (
	"strings"
	"testing"
	"time"
)

func TestFilePlace(t *testing.T) {
	text := []byte(strings.Repeat("0123456789", 20))
	p := filePlace{}.fresh("1-2")
	for _, n := range []int{3, 5, 100} {
		before := p
		p = p.moved(text[p.from():], n)
		if p.offset != before.offset+int64(n) || !p.fits(text[p.from():]) || p.fits([]byte("x"+string(text[p.from():]))) || p.fits(nil) {
			t.Errorf("got %+v", p)
		}
		read, err := parseFilePlace(p.String())
		if err != nil || read != p {
			t.Errorf("%s is read as %+v, %v", p, read, err)
		}
	}
	if p.mark != longestMark {
		t.Errorf("%d bytes are known", p.mark)
	}
	if p.place() == p.fresh("1-2").place() || p.fresh("").gen != p.gen+1 {
		t.Error("a fresh file has the same place")
	}
	for _, bad := range []string{"", "1:2", "a:b:1:1:1:true", "1:b:-1:0:1:true", "1:b:5:65:1:true", "1:b:5:6:1:true", "1:b:5:x:1:true"} {
		if _, err := parseFilePlace(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestFollowing(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	now := fileInfo{path: "/l", id: "9", at: at(90)}
	one, two, three := fileInfo{path: "/l.1", id: "8", at: at(80)}, fileInfo{path: "/l.2", id: "7", at: at(70)}, fileInfo{path: "/l.3.gz", id: "6", at: at(95)}
	all := []fileInfo{now, three, one, two}
	for _, c := range []struct{ done, want fileInfo }{{two, one}, {one, now}, {fileInfo{id: "5", at: at(99)}, now}} {
		if got, ok := following(all, "/l", c.done); !ok || got != c.want {
			t.Errorf("after %+v comes %+v", c.done, got)
		}
	}
	if got, ok := following([]fileInfo{one, three}, "/l", one); ok {
		t.Errorf("after the last comes %+v", got)
	}
	p := filePlace{id: "7", offset: 10, mark: 10}
	all[0].size, all[1].size, all[2].size, all[3].size = 20, 30, 40, 50
	got := candidates(all, p)
	if len(got) != 3 || got[0].id != "7" || got[1].id != "9" || got[2].id != "8" {
		t.Errorf("candidates are %+v", got)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s    string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc…"}, {"aéé", 2, "a…"}, {"aéé", 3, "aé…"}, {"\x80\x80\x80\x80\x80\x80\x80\x80", 6, "\x80\x80…"}} {
		if got := cut(c.s, c.most); got != c.want {
			t.Errorf("%q: got %q, want %q", c.s, got, c.want)
		}
	}
}
