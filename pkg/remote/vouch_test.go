package remote_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/remote"
)

// An unknown key is trusted and recorded where it is vouched for, and only then.
func TestVouch(t *testing.T) {
	site, srv, _ := start(t)
	shown := strings.SplitN(srv.KnownLine(), " ", 2)[1]
	foreign := strings.SplitN(lineFor("x", otherKey(t).PublicKey()), " ", 2)[1]
	for name, tt := range map[string]struct {
		keys []string
		err  error
		want string
	}{
		"its key":        {keys: []string{"no key", foreign, shown + " root@m1"}},
		"another's":      {keys: []string{foreign}, want: "is none of the 1 keys that the machine is vouched to have"},
		"nothing":        {want: "is none of the 0 keys"},
		"nobody answers": {err: errors.New("the console is empty"), want: ": the console is empty"},
	} {
		s := trusting(t, site)
		s.Vouch = func(_ context.Context, m remote.Machine) ([]string, error) {
			if m.IP != srv.Addr.Addr() {
				t.Errorf("asked about %+v", m)
			}
			return tt.keys, tt.err
		}
		err := check(t, s, srv)
		recorded := strings.Contains(read(t, s.KnownHosts[0]), shown)
		if tt.want == "" && (err != nil || !recorded) {
			t.Errorf("%s: %v, recorded %v", name, err, recorded)
		}
		if tt.want != "" {
			wantStage(t, err, remote.StageHostKey)
			if recorded || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, recorded %v; want %q", name, err, recorded, tt.want)
			}
		}
	}
	// What is known already is not asked about. One that has changed is replaced where
	// it is vouched for, beside the lines of others, and refused where it is not.
	s := trusting(t, site, srv.KnownLine())
	s.Vouch = func(context.Context, remote.Machine) ([]string, error) { t.Error("asked"); return nil, nil }
	if err := check(t, s, srv); err != nil {
		t.Error(err)
	}
	others := []string{"# a comment", lineFor("10.9.9.9", otherKey(t).PublicKey())}
	for _, keys := range [][]string{{shown}, {foreign}} {
		s = trusting(t, site, append(others, lineFor(hostOf(srv), otherKey(t).PublicKey()))...)
		before := read(t, s.KnownHosts[0])
		s.Vouch = func(context.Context, remote.Machine) ([]string, error) { return keys, nil }
		err := check(t, s, srv)
		after := read(t, s.KnownHosts[0])
		if keys[0] == foreign {
			wantStage(t, err, remote.StageHostKey)
			if after != before {
				t.Errorf("the file has become\n%s", after)
			}
		} else if want := strings.Join(others, "\n") + "\n" + srv.KnownLine() + "\n"; err != nil || after != want {
			t.Errorf("%v, the file is\n%s, want\n%s", err, after, want)
		}
	}
	// A line for several names is not ours to change.
	s = trusting(t, site, lineFor("m1,"+hostOf(srv), otherKey(t).PublicKey()))
	s.Vouch = func(context.Context, remote.Machine) ([]string, error) { return []string{shown}, nil }
	wantStage(t, check(t, s, srv), remote.StageHostKey)
}
