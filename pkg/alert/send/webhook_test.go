package send

import (
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/secret"
)

// A place that fails nine times in ten, is slow, and asks for patience: everything
// arrives, once by its id, in order.
func TestFlakySink(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var patience time.Time // not before that
	hasty := 0
	var a *sink
	a = newSink(t, func(n int, w http.ResponseWriter) int {
		a.mu.Lock()
		defer a.mu.Unlock()
		if time.Now().Before(patience) {
			hasty++
		}
		luck := random.IntN(100)
		switch {
		case n == 3:
			w.Header().Set("Retry-After", "1")
			patience = time.Now().Add(time.Second)
			return http.StatusTooManyRequests
		case luck < 5:
			return http.StatusNoContent
		case luck < 10:
			time.Sleep(30 * time.Millisecond)
			return http.StatusOK
		}
		return []int{500, 502, 503, 404, 301}[random.IntN(5)]
	})
	b := newSink(t, func(int, http.ResponseWriter) int { time.Sleep(3 * time.Millisecond); return http.StatusOK })
	s := newSite(t)
	sender := s.mustSender(t, a.place("a"), b.place("b"))
	running(t, sender)
	const services = 6
	for n := range services {
		s.mustAdd(t, event(n, true))
		sender.Wake()
	}
	wait(t, "all is told to b", func() bool { return len(b.taken()) == services })
	for n := range services {
		s.mustAdd(t, event(n, false))
	}
	wait(t, "all is told", func() bool { return len(a.taken()) == 2*services && len(b.taken()) == 2*services })
	inOrder(t, a.taken(), services)
	inOrder(t, b.taken(), services)
	if n := len(b.requests()); n != 2*services {
		t.Errorf("%d requests to who takes everything at once", n)
	}
	bodies := map[string]string{}
	last := ""
	for _, g := range a.requests() {
		id := g.header.Get(HeaderID)
		if before, known := bodies[id]; known && (before != string(g.body) || last != id) {
			t.Errorf("a repeat of %s is another one, or comes after another", id)
		}
		bodies[id], last = string(g.body), id
		if g.doc["id"] != id {
			t.Errorf("the document says %v, the header %s", g.doc["id"], id)
		}
	}
	if hasty != 0 {
		t.Errorf("%d requests came before the time that was asked for", hasty)
	}
	t.Logf("%d requests for %d messages", len(a.requests()), 2*services)
	wait(t, "that it fails and that it works again stands in the log", func() bool { return len(s.told(t)) >= 2 })
	for n, e := range s.told(t) {
		want := []string{alert.Failing, alert.Delivering}[n%2]
		if e.Is.State != want || e.Key.Name != "a" || strings.Contains(e.Reason, "127.0.0.1") {
			t.Errorf("told %v, want %s", e, want)
		}
	}
}

// Killed at any moment, the program neither loses nor doubles.
func TestKilledAtAnyMoment(t *testing.T) {
	hook := newSink(t, func(int, http.ResponseWriter) int {
		time.Sleep(rand.N(8 * time.Millisecond))
		return http.StatusOK
	})
	s := newSite(t)
	const services = 8
	kills := 0
	for half, down := range []bool{true, false} {
		for n := range services {
			s.mustAdd(t, event(n, down))
		}
		for round := 0; len(hook.taken()) < (half+1)*services; round++ {
			if round == 100 {
				t.Fatalf("%d messages arrived in %d rounds", len(hook.taken()), round)
			}
			cmd := children.Command(t, "send", s.folder, hook.URL)
			children.Start(t, cmd).Scan() // at work
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
				kills++
			}
		}
	}
	sender := s.mustSender(t, hook.place("hook"))
	if err := sender.Turn(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	inOrder(t, hook.taken(), services)
	repeats := 0
	last := ""
	known := map[string]bool{}
	for _, g := range hook.requests() {
		id := g.header.Get(HeaderID)
		if known[id] {
			repeats++
			if id != last {
				t.Errorf("%s is repeated after %s", id, last)
			}
		}
		known[id], last = true, id
	}
	if kills == 0 {
		t.Error("nothing was killed")
	}
	t.Logf("%d kills, %d requests, %d repeats", kills, len(hook.requests()), repeats)
	if state, err := sender.View(t.Context()); err != nil || len(state.Outbox) != 0 || len(state.Incidents) != 0 {
		t.Errorf("left: %+v (%v)", state, err)
	}
}

// Two processes that share the work, as a daemon and a heartbeat from cron, send nothing
// twice.
func TestTwoAtOnce(t *testing.T) {
	hook := newSink(t, func(int, http.ResponseWriter) int { time.Sleep(2 * time.Millisecond); return http.StatusOK })
	s := newSite(t)
	running(t, s.mustSender(t, hook.place("hook")))
	other := s.mustSender(t, hook.place("hook"))
	const services = 10
	for n := range services {
		for _, down := range []bool{true, false} {
			s.mustAdd(t, event(n, down))
			if err := other.Turn(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			if down {
				wait(t, "it is told", func() bool { return len(hook.requests()) > 2*n })
			}
		}
	}
	wait(t, "all is told", func() bool { return len(hook.taken()) == 2*services })
	inOrder(t, hook.taken(), services)
	if n := len(hook.requests()); n != 2*services {
		t.Errorf("%d requests", n)
	}
}

func TestWhatIsPosted(t *testing.T) {
	hook := newSink(t, func(int, http.ResponseWriter) int { return http.StatusOK })
	s := newSite(t)
	s.mustAdd(t, event(1, true))
	if err := s.mustSender(t, hook.place("hook")).Turn(t.Context(), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	all := hook.requests()
	if len(all) != 1 {
		t.Fatalf("%d requests", len(all))
	}
	g := all[0]
	stamp := g.header.Get(HeaderTime)
	want := "v1=" + hex.EncodeToString(Signature(secret.New("a key of the hook"), stamp, g.body))
	if !hmac.Equal([]byte(g.header.Get(HeaderSignature)), []byte(want)) {
		t.Errorf("the signature is %s, want %s", g.header.Get(HeaderSignature), want)
	}
	if seconds, err := strconv.ParseInt(stamp, 10, 64); err != nil || time.Since(time.Unix(seconds, 0)) > time.Minute {
		t.Errorf("the time is %q", stamp)
	}
	if g.header.Get("Content-Type") != "application/json" || g.doc["title"] != "[critical] c services node1: running → gone" {
		t.Errorf("posted %v, %s", g.header, g.body)
	}
	if strings.Contains(string(g.body), "canary") || !strings.Contains(string(g.body), "it says xxx") {
		t.Errorf("a secret is posted: %s", g.body)
	}
}

// The signature is the one that openssl makes.
func TestSignature(t *testing.T) {
	// printf '%s' '1700000000.{}' | openssl dgst -sha256 -hmac key
	const want = "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
	if got := hex.EncodeToString(Signature(secret.New("key"), "1700000000", []byte("{}"))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	got := map[string]time.Duration{}
	for _, text := range []string{"", "0", "7", "-3", "x", "Sat, 21 Nov 2026 12:01:00 GMT", "Sat, 21 Nov 2026 11:01:00 GMT"} {
		got[text] = retryAfter(text, now)
	}
	want := map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-3": 0, "x": 0, "Sat, 21 Nov 2026 12:01:00 GMT": time.Minute, "Sat, 21 Nov 2026 11:01:00 GMT": 0,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What a place refuses for good does not keep back what comes after it.
func TestRefused(t *testing.T) {
	hook := newSink(t, func(n int, _ http.ResponseWriter) int {
		if n < 5 {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	s := newSite(t)
	running(t, s.mustSender(t, hook.place("hook")))
	s.mustAdd(t, event(1, true))
	wait(t, "it is refused", func() bool { return len(hook.requests()) >= 5 })
	s.mustAdd(t, event(2, true))
	wait(t, "the next one arrives", func() bool { return len(hook.taken()) == 1 })
	if name := hook.taken()[0].event()["name"]; name != "node2" {
		t.Errorf("%v arrived", name)
	}
	wait(t, "it stands in the log", func() bool {
		for _, e := range s.told(t) {
			if e.Is.State == alert.GivenUp && strings.Contains(e.Reason, "422") {
				return true
			}
		}
		return false
	})
}

func TestNobodyListens(t *testing.T) {
	s := newSite(t)
	address := "http://127.0.0.1:1/canary-token"
	sender := s.mustSender(t, Place{Name: "hook", Webhook: &Webhook{URL: secret.New(address)}})
	tried, err := sender.Test(t.Context(), "hook")
	if err != nil || len(tried) != 1 || tried[0].Err == nil {
		t.Fatalf("%+v (%v)", tried, err)
	}
	if said := fmt.Sprint(tried[0].Err); strings.Contains(said, "token") || !strings.Contains(said, "refused") {
		t.Errorf("it says %s", said)
	}
	if _, err := sender.Test(t.Context(), "nobody"); err == nil {
		t.Error("a place that is not there was tested")
	}
}
