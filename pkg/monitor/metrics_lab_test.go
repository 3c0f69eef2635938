package monitor_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/monitor"
)

// prometheusConfig has the exporter asked often.
const prometheusConfig = `global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs: [{job_name: node, static_configs: [{targets: ["127.0.0.1:9100"]}]}]
`

// export has the node exporter tell the lines, as a program leaves them for it.
func (s *site) export(t *testing.T, lines string) {
	t.Helper()
	s.run(t, "cd /var/lib/prometheus/node-exporter && printf '%s\n' '"+lines+"' > new.tmp && mv new.tmp clmgr.prom")
}

// metric is one that is asked about the machine's Prometheus.
func (s *site) metric(name, query string) monitor.Metric {
	return monitor.Metric{
		Cluster: "demo", Name: name, Query: query, Machine: "m1", IP: s.m.IP(), Type: monitor.Float, Severity: monitor.Warning,
		Source: monitor.Source{URL: fmt.Sprintf("http://%s:9090", s.m.IP())}, Every: 100 * time.Millisecond, Timeout: ample, Repeat: time.Hour,
	}
}

func (s *site) testMetrics(t *testing.T) {
	s.run(t, "cat > /etc/prometheus/prometheus.yml <<'E'\n"+prometheusConfig+"E\nsystemctl start prometheus-node-exporter prometheus")
	ready := func() bool {
		answer, err := http.Get(fmt.Sprintf("http://%s:9090/-/ready", s.m.IP()))
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
	for deadline := time.Now().Add(ample); !ready(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Prometheus does not answer")
		}
	}
	t.Run("compare", s.testCompare)
	t.Run("acted", s.testActed)
	t.Run("text", s.testText)
	t.Run("killed", s.testPrometheusKilled)
	t.Run("not understood", s.testBadQuery)
}

// comparison reads a comparison that is right.
func comparison(t *testing.T, s string, typ monitor.Type) monitor.Comparison {
	t.Helper()
	c, err := monitor.ParseComparison(s, typ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// within reads a range that is right.
func within(t *testing.T, s string) monitor.Range {
	t.Helper()
	r, err := monitor.ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each series has its own state, between two limits nothing happens, and what cannot be
// true changes none.
func (s *site) testCompare(t *testing.T) {
	s.export(t, "lag{db=\"a\"} 1\nlag{db=\"b\"} 1")
	d := newDiary(t)
	m := s.metric("lag", "sum by (db) (lag)")
	m.Compare, m.Until, m.Range = comparison(t, "> 30", m.Type), comparison(t, "< 10", m.Type), within(t, "0..1000")
	watching(t, monitor.WatchMetrics(d.options, []monitor.Metric{m}))
	s.export(t, "lag{db=\"a\"} 1\nlag{db=\"b\"} 50")
	e := d.await(t, 0, `lag{db="b"}: ok → warning`)
	labels(t, e, map[string]string{"watch": "lag", "db": "b", "value": "50", "severity": "warning", "machine": "m1", "resolved": ""})
	if e.IP != s.m.IP() || e.Manager != "mgr1" || e.Reason != "the value is 50" {
		t.Errorf("%+v", e)
	}
	s.export(t, "lag{db=\"a\"} 20\nlag{db=\"b\"} 5000")
	labels(t, d.await(t, 1, `lag{db="b"}/range: in-range → out-of-range`), map[string]string{"internal": "true"})
	s.export(t, "lag{db=\"a\"} NaN\nlag{db=\"b\"} 20")
	d.await(t, 2, `lag{db="a"}/range: in-range → out-of-range`)
	d.await(t, 2, `lag{db="b"}/range: out-of-range → in-range`)
	s.export(t, "lag{db=\"a\"} 1\nlag{db=\"b\"} 5")
	labels(t, d.await(t, 4, `lag{db="b"}: warning → ok`), map[string]string{"severity": "warning", "resolved": "true"})
	d.await(t, 4, `lag{db="a"}/range: out-of-range → in-range`)
	d.want(t, `lag{db="b"}: ok → warning`, `lag{db="b"}/range: in-range → out-of-range`, `lag{db="a"}/range: in-range → out-of-range`,
		`lag{db="b"}/range: out-of-range → in-range`, `lag{db="b"}: warning → ok`, `lag{db="a"}/range: out-of-range → in-range`)
}

// A change is told until it was acted on, the first value too, also over a restart.
func (s *site) testActed(t *testing.T) {
	s.export(t, "initial_download 1")
	d := newDiary(t)
	m := s.metric("download", "max(initial_download)")
	m.Type, m.Change, m.Acted, m.Repeat = monitor.Integer, true, true, 200*time.Millisecond
	stop := watching(t, monitor.WatchMetrics(d.options, []monitor.Metric{m}))
	first := d.await(t, 0, "download: unknown → 1")
	again := d.await(t, 1, "download: unknown → 1")
	labels(t, first, map[string]string{"remember": "acted", "repeated": ""})
	labels(t, again, map[string]string{"remember": "acted", "repeated": "1"})
	if first.ID == again.ID {
		t.Error("both have one id")
	}
	stop()
	told := len(d.all())
	watching(t, monitor.WatchMetrics(d.options, []monitor.Metric{m}))
	d.await(t, told, "download: unknown → 1")
	if err := monitor.Acknowledge(t.Context(), d.options.Store, again); err != nil {
		t.Fatal(err)
	}
	s.export(t, "initial_download 0")
	e := d.await(t, 0, "download: 1 → 0")
	if err := monitor.Acknowledge(t.Context(), d.options.Store, e); err != nil {
		t.Fatal(err)
	}
	s.export(t, "initial_download 1")
	d.await(t, 0, "download: 0 → 1")
}

// A text is a label of a series.
func (s *site) testText(t *testing.T) {
	s.export(t, `build_info{version="10.11.6"} 1`)
	d := newDiary(t)
	version, old := s.metric("version", `sum by (version) (build_info)`), s.metric("old", `build_info`)
	version.Type, version.Label, version.Change = monitor.String, "version", true
	old.Query, old.Type, old.Label, old.Severity = `sum by (version) (build_info)`, monitor.String, "version", monitor.Info
	old.Compare = comparison(t, "!~ ^10[.]", monitor.String)
	watching(t, monitor.WatchMetrics(d.options, []monitor.Metric{version, old}))
	for deadline := time.Now().Add(ample); ; <-time.After(100 * time.Millisecond) { // the first value is no event
		if doc, err := d.options.Store.Get(t.Context(), "watch/metrics/demo/version"); err == nil && bytes.Contains(doc, []byte("10.11.6")) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the first value is not remembered")
		}
	}
	s.export(t, `build_info{version="11.8.1"} 1`)
	d.await(t, 0, "version: 10.11.6 → 11.8.1")
	labels(t, d.await(t, 0, "old: ok → info"), map[string]string{"value": "11.8.1", "version": "11.8.1"})
	d.want(t, "version: 10.11.6 → 11.8.1", "old: ok → info")
}

// While Prometheus is away one event says so and no state changes, whoever is restarted.
func (s *site) testPrometheusKilled(t *testing.T) {
	s.export(t, "temperature 80")
	d := newDiary(t)
	m := s.metric("temperature", "max(temperature)")
	m.Compare = comparison(t, ">= 70", m.Type)
	stop := watching(t, monitor.WatchMetrics(d.options, []monitor.Metric{m}))
	d.await(t, 0, "temperature: ok → warning")
	for round := 1; round <= 3; round++ {
		s.run(t, "systemctl kill -s KILL prometheus; systemctl stop prometheus")
		labels(t, d.await(t, 2*round-1, "temperature/query: answering → failed"), map[string]string{"internal": "true"})
		stop()
		stop = watching(t, monitor.WatchMetrics(d.options, []monitor.Metric{m}))
		s.run(t, "sleep 0.5; systemctl reset-failed prometheus; systemctl start prometheus")
		d.await(t, 2*round, "temperature/query: failed → answering")
	}
	want := []string{"temperature: ok → warning"}
	for range 3 {
		want = append(want, "temperature/query: answering → failed", "temperature/query: failed → answering")
	}
	d.want(t, want...)
}

// What Prometheus does not understand is told with its own words, without secrets.
func (s *site) testBadQuery(t *testing.T) {
	d := newDiary(t)
	bad, all := s.metric("bad", "sum(canary"), s.metric("range", "up[1m]")
	watching(t, monitor.WatchMetrics(d.options, []monitor.Metric{bad, all}))
	e := d.await(t, 0, "bad/query: answering → failed")
	if want := `status 400: bad_data: invalid parameter "query": 1:11: parse error: unclosed left parenthesis`; e.Reason != want {
		t.Errorf("got %q, wanted %q", e.Reason, want)
	}
	e = d.await(t, 0, "range/query: answering → failed")
	if want := "the result is a matrix, wanted a scalar, a string or an instant vector"; e.Reason != want {
		t.Errorf("got %q, wanted %q", e.Reason, want)
	}
}
