package config

import (
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Alerts says who is told of what goes wrong.
type Alerts struct {
	GroupWait    time.Duration `yaml:"group_wait" default:"10s"`
	NoticeEvery  time.Duration `yaml:"notice_every" default:"5m"`
	GiveUp       time.Duration `yaml:"give_up" default:"24h" min:"1m"`
	FirstDelay   time.Duration `yaml:"first_delay" default:"5s" min:"100ms"`
	LongestDelay time.Duration `yaml:"longest_delay" default:"5m" min:"100ms"` // at least FirstDelay
	Timeout      time.Duration `yaml:"timeout" default:"10s" min:"100ms"`      // of one try
	Time         time.Duration `yaml:"time" default:"20s" min:"100ms"`         // a heartbeat begins tries
	Places       []AlertPlace  `yaml:"places,keyed"`                           // in the order of the file
	Routes       []AlertRoute  `yaml:"routes"`
}

// AlertPlace is where alerts go: exactly one of URL, Webhook and Program is set.
type AlertPlace struct {
	Name    string       `yaml:"-" check:"name"` // its key in the file
	URL     secret.Value `yaml:"url" one:"true"` // of a service of shoutrrr
	Webhook *Webhook     `yaml:"webhook" one:"true"`
	Program []string     `yaml:"program" one:"true" check:"command"` // its absolute path and its arguments
}

// Webhook is a URL that documents are posted to.
type Webhook struct {
	URL secret.Value `yaml:"url" need:"true"`
	Key secret.Value `yaml:"key"` // signs what is posted
}

// AlertRoute leads alerts to places. Lists are of patterns with * and ?, and an empty
// one matches everything.
type AlertRoute struct {
	To       []string `yaml:"to" need:"true"` // names of places
	Severity []string `yaml:"severity" enum:"critical|warning|info"`
	Types    []string `yaml:"types"`
	Clusters []string `yaml:"clusters"`
	Names    []string `yaml:"names"`
	Labels   []string `yaml:"labels" check:"labelpattern"` // NAME=PATTERN
	Title    string   `yaml:"title"`                       // Go text/template
	Text     string   `yaml:"text"`
}
