package monitor

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// answering is a server that answers every query so, and remembers who asked.
func answering(t *testing.T, status int, body string) (*httptest.Server, *http.Request) {
	t.Helper()
	asked := &http.Request{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		*asked = *r
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s, asked
}

// What no real Prometheus says is refused: a proxy's page, half an answer, too many series.
func TestOddAnswers(t *testing.T) {
	many := strings.Repeat(`{"metric":{},"value":[1,"1"]},`, seriesLimit) + `{"metric":{},"value":[1,"1"]}`
	for body, want := range map[string]string{
		"<html>": "the answer is not that of a Prometheus",
		`{"status":"success","data":{"resultType":"vector","result":[` + many + `]}}`:       "the result has 1001 series, watched are 1000 at most",
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}`:      "the result has a series without a value",
		`{"status":"success","data":{"resultType":"scalar","result":[1,2]}}`:                "the result has a series without a value",
		`{"status":"success","data":{"resultType":"vector","result":{}}}`:                   "the result is a vector in another form",
		`{"status":"error","errorType":"timeout","error":"query timed out\nin expression"}`: "timeout: query timed out in expression",
		strings.Repeat(" ", answerLimit+1):                                                  "the answer is larger than 16 MiB",
	} {
		s, _ := answering(t, 200, body)
		if samples, err := newPrometheus().query(t.Context(), Source{URL: s.URL}, "up"); err == nil || err.Error() != want {
			t.Errorf("%.80s: %d series, %v, wanted %s", body, len(samples), err, want)
		}
	}
	s, _ := answering(t, 503, "busy")
	if _, err := newPrometheus().query(t.Context(), Source{URL: s.URL}, "up"); err == nil || err.Error() != "status 503: the answer is not that of a Prometheus" {
		t.Errorf("%v", err)
	}
}

// Who asks shows what it was given, where it was told to and nowhere else.
func TestQueriesAreSigned(t *testing.T) {
	const scalar = `{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"1"]}}`
	s, asked := answering(t, 200, scalar)
	token := Source{URL: s.URL + "/prom/", Token: secret.New("canary-token")}
	samples, err := newPrometheus().query(t.Context(), token, "a{b=\"c\"} + 1")
	if err != nil || fmt.Sprint(samples) != "[{map[] 1}]" {
		t.Fatalf("%v, %v", samples, err)
	}
	if asked.URL.Path != "/prom/api/v1/query" || asked.URL.RawQuery != "" || asked.Form.Get("query") != "a{b=\"c\"} + 1" || asked.Header.Get("Authorization") != "Bearer canary-token" {
		t.Errorf("%s %v %v", asked.URL, asked.Form, asked.Header)
	}
	basic := Source{URL: s.URL, User: "clmgr", Password: secret.New("canary-password")}
	if _, err := newPrometheus().query(t.Context(), basic, "up"); err != nil {
		t.Fatal(err)
	}
	if user, password, _ := asked.BasicAuth(); user != "clmgr" || password != "canary-password" {
		t.Errorf("%s, %s", user, password)
	}
	s, asked = answering(t, http.StatusFound, "")
	if _, err := newPrometheus().query(t.Context(), Source{URL: s.URL, Token: secret.New("canary-token")}, "up"); err == nil || asked.URL.Path != "/api/v1/query" {
		t.Errorf("a redirect was followed to %s: %v", asked.URL, err)
	}
	s.Close()
	if _, err := newPrometheus().query(t.Context(), basic, "up"); err != nil && strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// No answer makes reading it panic.
func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"NaN"]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`))
	m := metric(f, "> 1", "", Float)
	f.Fuzz(func(t *testing.T, text []byte) {
		samples, err := readAnswer(text)
		p := &pages{t: t}
		p.events(noon, func(b *book, _ time.Time) { m.turn(b, plain, samples, err, noon) })
	})
}
