package config

import (
	"regexp"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Metric is a query to a Prometheus, and what is told of its values. One of Compare and
// Change is set.
type Metric struct {
	Name     string        `yaml:"name" check:"name" need:"true"`
	URL      string        `yaml:"url" check:"url" need:"true"`
	User     string        `yaml:"user"`
	Password secret.Value  `yaml:"password"` // in the file: text, {env: NAME} or {file: PATH}
	Token    secret.Value  `yaml:"token"`    // in the file: text, {env: NAME} or {file: PATH}
	Query    string        `yaml:"query" check:"command" need:"true"`
	Instance string        `yaml:"instance"` // that it is about; "" for none
	Interval time.Duration `yaml:"interval" default:"30s" min:"1s"`
	Timeout  time.Duration `yaml:"timeout" default:"5s" min:"100ms"`
	Type     string        `yaml:"type" default:"float" enum:"float|integer|string"`
	Label    string        `yaml:"label" check:"label"` // that holds the value; "" for the series' own
	Compare  string        `yaml:"compare" check:"comparison" one:"true"`
	Change   bool          `yaml:"change" one:"true"` // the state is the value
	Until    string        `yaml:"until" check:"comparison"`
	For      time.Duration `yaml:"for"`
	Range    string        `yaml:"range" check:"range"`
	Absent   string        `yaml:"absent" default:"keep" enum:"keep|ok"`
	Remember string        `yaml:"remember" default:"seen" enum:"seen|acted"`
	Repeat   time.Duration `yaml:"repeat" default:"10m" min:"1s"`
	Severity string        `yaml:"severity" default:"warning" enum:"info|warning|critical"`
}

// What such texts look like. What the numbers say is the watcher's to read.
var (
	urlPattern        = regexp.MustCompile(`^https?://[^\x00-\x20\x7f@/?#]+(/[^\x00-\x20\x7f?#]*)?$`)
	labelPattern      = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	comparisonPattern = regexp.MustCompile(`^ *(>=?|<=?|[=!][=~]) *[^ ]`)
	numericPattern    = regexp.MustCompile(`^ *(>=?|<=?|[=!]=) *[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)? *$`)
	textualPattern    = regexp.MustCompile(`^ *([=!]=) *[^ ]`)
	rangePattern      = regexp.MustCompile(`^(-?[0-9]+([.][0-9]+)?)?[.][.](-?[0-9]+([.][0-9]+)?)?$`)
	matchPattern      = regexp.MustCompile(`^ *[=!]~ *(.*[^ ]) *$`)
)
