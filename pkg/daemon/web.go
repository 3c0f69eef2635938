package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// healthPatience is how long a loop may be silent before the daemon calls itself unwell.
const healthPatience = 15 * time.Second

// web serves /metrics and /healthz. What it tells outlives reloads.
type web struct {
	pulses   *pulses
	registry *prometheus.Registry
	handler  http.Handler

	mu     sync.Mutex
	ready  bool
	set    prometheus.Collector // of the generation
	addr   string
	server *http.Server
}

func newWeb(p *pulses) *web {
	w := &web{pulses: p, registry: prometheus.NewRegistry()}
	w.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), pulseMetrics{p})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", w.health)
	w.handler = mux
	return w
}

func (w *web) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	w.registry.MustRegister(c)
	return c
}

// listen serves at addr from now on, and no longer where it did before. Where it cannot,
// it goes on as before.
func (w *web) listen(ctx context.Context, addr string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if addr == w.addr {
		return nil
	}
	var next *http.Server
	if addr != "" {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("cannot serve metrics: %w", err)
		}
		next = &http.Server{Handler: w.handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
		go next.Serve(l) //nolint:errcheck // it ends with close, and nothing else can go wrong with it
	}
	w.shut()
	w.addr, w.server = addr, next
	return nil
}

func (w *web) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut()
}

func (w *web) shut() {
	if w.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.server.Shutdown(ctx) != nil {
		w.server.Close()
	}
	w.server = nil
}

// serve tells the metrics of a generation in place of those of the one before.
func (w *web) serve(c prometheus.Collector) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set != nil {
		w.registry.Unregister(w.set)
	}
	if w.set = c; c != nil {
		w.registry.MustRegister(c)
	}
}

func (w *web) setReady() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = true
}

// health says 200 while the daemon is ready and all its loops turn, else 503.
func (w *web) health(out http.ResponseWriter, _ *http.Request) {
	type loop struct {
		Name  string  `json:"name"`
		Age   float64 `json:"seconds_since_beat"`
		Fails uint64  `json:"restarts"`
	}
	doc := struct {
		Ready bool   `json:"ready"`
		Loops []loop `json:"loops"`
	}{}
	w.mu.Lock()
	doc.Ready = w.ready
	w.mu.Unlock()
	turns := w.pulses.turns(time.Now())
	for _, t := range turns {
		doc.Loops = append(doc.Loops, loop{t.Name, t.Age.Seconds(), t.Fails})
	}
	code := http.StatusOK
	if !doc.Ready || len(late(turns, healthPatience)) > 0 {
		code = http.StatusServiceUnavailable
	}
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(code)
	json.NewEncoder(out).Encode(doc) //nolint:errcheck // who asked has gone
}

// pulseMetrics tells how loops do.
type pulseMetrics struct{ *pulses }

func (pulseMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- beatsDesc()
	ch <- failsDesc()
	ch <- ageDesc()
}

func (p pulseMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, t := range p.turns(time.Now()) {
		ch <- prometheus.MustNewConstMetric(beatsDesc(), prometheus.CounterValue, float64(t.Beats), t.Name)
		ch <- prometheus.MustNewConstMetric(failsDesc(), prometheus.CounterValue, float64(t.Fails), t.Name)
		ch <- prometheus.MustNewConstMetric(ageDesc(), prometheus.GaugeValue, t.Age.Seconds(), t.Name)
	}
}

func beatsDesc() *prometheus.Desc {
	return prometheus.NewDesc("clmgr_loop_beats_total", "How many times a loop has turned.", []string{"loop"}, nil)
}

func failsDesc() *prometheus.Desc {
	return prometheus.NewDesc("clmgr_loop_restarts_total", "How many times a loop failed and was started again.", []string{"loop"}, nil)
}

func ageDesc() *prometheus.Desc {
	return prometheus.NewDesc("clmgr_loop_silent_seconds", "How long ago a loop turned last.", []string{"loop"}, nil)
}
