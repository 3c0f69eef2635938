package services

import "context"

// ModeInfo tells what kind of service a mode is and where it listens.
type ModeInfo struct {
	Type string // db|nosql|proxy|lb|bench|other
	Port uint16 // the default port; 0 for none
	// NoPort says that the mode's services are not reached by a port of their own.
	NoPort bool
	// Roles says that the mode's services tell their role themselves.
	Roles bool
	// VIP and Stats say that the target's fields of that name mean something to it.
	VIP, Stats bool
	// Unit is the systemd unit that runs such a service where Debian's packages put it.
	Unit string
	// Several says that Debian's packages bring a template of the unit too, for more of them.
	Several bool
	// Packages are Debian's that bring it.
	Packages []string
}

// TypeDB is the type of the database modes.
const TypeDB = "db"

// driver is what this package knows of one mode.
type driver struct {
	info  ModeInfo
	probe func(context.Context, attempt) Observation
}

// drivers lists the built-in modes, one file each.
func drivers() map[string]driver {
	return map[string]driver{
		"mariadb":     mariadbDriver(),
		"mysql":       mysqlDriver(),
		"galera":      galeraDriver(),
		"memcache":    memcacheDriver(),
		"mysql-proxy": mysqlProxyDriver(),
		"haproxy":     haproxyDriver(),
		"keepalived":  keepalivedDriver(),
	}
}

// Modes returns the built-in modes by name. The map is the caller's own.
func Modes() map[string]ModeInfo {
	modes := make(map[string]ModeInfo)
	for name, d := range drivers() {
		modes[name] = d.info
	}
	return modes
}
