package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Settings are what an operator says about alerts.
type Settings struct {
	Manager     string // who tells
	Places      []string
	Routes      []Route       // none: every place gets warning and critical
	GroupWait   time.Duration // from the first change of something until it is told
	NoticeEvery time.Duration // between two messages of the same notice
	GiveUp      time.Duration // since a message was queued
	FirstDelay  time.Duration // after the first failure; it doubles
	Longest     time.Duration // delay
}

// Route leads what it matches to places. Its patterns have * and ?; an empty list
// matches everything.
type Route struct {
	To         []string
	Severities []Severity
	Kinds      []string
	Clusters   []string
	Names      []string
	Labels     []string // NAME=PATTERN; all must match
	Title      string   // template, "" for the standard one
	Text       string   // template, "" for the standard one
}

// takes tells whether the route matches.
func (r *Route) takes(k heartbeat.Key, s Severity, labels map[string]string) bool {
	if len(r.Severities) > 0 && !slices.Contains(r.Severities, s) {
		return false
	}
	for _, l := range r.Labels {
		name, pattern, _ := strings.Cut(l, "=")
		if value, there := labels[name]; !there || !glob(pattern, value) {
			return false
		}
	}
	return anyGlob(r.Kinds, string(k.Kind)) && anyGlob(r.Clusters, k.Cluster) && anyGlob(r.Names, k.Name)
}

// routes are the configured ones, or the one that stands for none.
func (s *Settings) routes() []Route {
	if len(s.Routes) > 0 {
		return s.Routes
	}
	return []Route{{To: s.Places, Severities: []Severity{Critical, Warning}}}
}

// places adds to what is wanted the places that are told of an event of a severity.
func (s *Settings) places(wanted map[string]bool, e heartbeat.Event, severity Severity) {
	for _, r := range s.routes() {
		if r.takes(Subject(e), severity, e.Labels) {
			for _, p := range r.To {
				wanted[p] = true
			}
		}
	}
}
