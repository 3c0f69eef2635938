package config

import "time"

// Rule is what is to be done about which events.
type Rule struct {
	Name string   `yaml:"-" check:"name"` // its key in the file
	When RuleWhen `yaml:"when" need:"true"`
	// For is how long it has to stay so first; 0 for not at all.
	For        time.Duration `yaml:"for"`
	MinDelay   time.Duration `yaml:"min_delay" default:"1m"`
	MaxPerHour int           `yaml:"max_per_hour" default:"12" min:"1" max:"3600"`
	Do         RuleDo        `yaml:"do" need:"true"`
}

// RuleWhen is what an event has to be like: each a pattern, empty for anything. A
// pattern is a regular expression between two slashes, or a glob.
type RuleWhen struct {
	Cluster        string            `yaml:"cluster" check:"pattern"`
	Type           string            `yaml:"type" check:"pattern"`
	Name           string            `yaml:"name" check:"pattern"`
	IP             string            `yaml:"ip" check:"pattern"`
	State          string            `yaml:"state" check:"pattern"`
	PreviousState  string            `yaml:"previous_state" check:"pattern"`
	Code           string            `yaml:"code" check:"pattern"`
	Status         string            `yaml:"status" check:"pattern"`
	PreviousStatus string            `yaml:"previous_status" check:"pattern"`
	Reason         string            `yaml:"reason" check:"pattern"`
	Labels         map[string]string `yaml:"labels" check:"pattern"` // by name
}

// RuleDo is what a rule does: exactly one of its fields is set.
type RuleDo struct {
	Command *RuleCommand `yaml:"command" one:"true"`
	Script  *RuleScript  `yaml:"script" one:"true"`
	Alert   *RuleAlert   `yaml:"alert" one:"true"`
}

// RuleCommand is an action that a rule queues.
type RuleCommand struct {
	Level  string `yaml:"level" default:"services" enum:"instances|services"`
	Action string `yaml:"action" check:"word" need:"true"`
	Group  string `yaml:"group" default:"{name}" check:"template"`
}

// RuleScript is an executable of the manager's own machine.
type RuleScript struct {
	Path    string        `yaml:"path" check:"path" need:"true"` // absolute
	Timeout time.Duration `yaml:"timeout" default:"30s" min:"1s"`
}

// RuleAlert is what alerts are to know of an event besides what it says itself.
type RuleAlert struct {
	Severity string            `yaml:"severity" default:"warning" enum:"info|warning|critical"`
	Labels   map[string]string `yaml:"labels"`
}
