package config

import "time"

// Log is a watcher of the lines of a unit's journal or of a file.
type Log struct {
	Name     string        `yaml:"name" check:"name" need:"true"` // unique in the cluster
	Instance string        `yaml:"instance" need:"true"`          // the machine
	Unit     string        `yaml:"unit" check:"unit" one:"true"`  // never without its suffix after Load; or
	File     string        `yaml:"file" check:"logfile" one:"true"`
	Via      string        `yaml:"via" default:"auto" enum:"auto|local"` // local: only by a manager that runs there
	Match    []LogMatch    `yaml:"match" need:"true"`                    // the first that matches counts
	Join     string        `yaml:"join" check:"regexp"`                  // of a line that goes on with the one before
	Lines    int           `yaml:"join_lines" default:"100" min:"2" max:"1000"`
	JoinTime time.Duration `yaml:"join_time" default:"500ms" min:"10ms"`
	Limit    int           `yaml:"limit" default:"100" min:"1" max:"1000000"` // events a minute
}

// LogMatch is what a watcher looks for in lines.
type LogMatch struct {
	Name     string `yaml:"name" check:"name" need:"true"` // unique in the watcher
	Regexp   string `yaml:"regexp" check:"regexp" need:"true"`
	State    string `yaml:"state"` // in which $name is what the group of that name captured; "" for Name
	Severity string `yaml:"severity" enum:"info|warning|critical"`
}
