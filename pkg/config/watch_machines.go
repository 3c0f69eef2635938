package config

import (
	"regexp"
	"time"
)

// Units says which systemd units are watched on the cluster's machines. Without it none
// are.
type Units struct {
	Services bool          `yaml:"services" default:"true"` // those of the cluster's services
	Watch    []Unit        `yaml:"watch"`
	Interval time.Duration `yaml:"interval" default:"10s" min:"1s"`
	Timeout  time.Duration `yaml:"timeout" default:"5s" min:"100ms"`
	Settle   time.Duration `yaml:"settle" default:"30s"`
	Restarts int           `yaml:"restarts" default:"1" min:"1" max:"100"` // within Calm
	Calm     time.Duration `yaml:"calm" default:"10m" min:"1s"`
}

// Unit is one that should run.
type Unit struct {
	Unit      string   `yaml:"unit" check:"unit" need:"true"`
	Instances []string `yaml:"instances"` // none for all of the cluster
	Severity  string   `yaml:"severity" default:"critical" enum:"info|warning|critical"`
}

// Host says from which shares on the resources of the cluster's machines are a trouble,
// as "WARNING/CRITICAL" in percent, or "none". Without it they are not watched.
type Host struct {
	Instances []string      `yaml:"instances"` // none for all of the cluster
	Interval  time.Duration `yaml:"interval" default:"30s" min:"1s"`
	Timeout   time.Duration `yaml:"timeout" default:"5s" min:"100ms"`
	Disk      string        `yaml:"disk" default:"85/95" check:"limits"`
	Inodes    string        `yaml:"inodes" default:"85/95" check:"limits"`
	Ramdisk   string        `yaml:"ramdisk" default:"80/95" check:"limits"`
	Memory    string        `yaml:"memory" default:"90/97" check:"limits"`
	Swap      string        `yaml:"swap" default:"50/80" check:"limits"`
	Load      string        `yaml:"load" default:"300/600" check:"limits"` // of five minutes, of all processors
	Clear     int           `yaml:"clear" default:"5" min:"0" max:"50"`    // percentage points
	For       time.Duration `yaml:"for"`
	Mounts    []Mount       `yaml:"mounts"`
}

// Mount is a mount point with limits of its own, where something must be mounted.
type Mount struct {
	Path   string `yaml:"path" check:"mountpoint" need:"true"`
	Disk   string `yaml:"disk" check:"limits"`   // default: the host's disk
	Inodes string `yaml:"inodes" check:"limits"` // default: the host's inodes
}

// limitsPattern is what limits look like.
var limitsPattern = regexp.MustCompile(`^(none|[1-9][0-9]{0,4}/[1-9][0-9]{0,4})$`)
