package provision

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// compare is pure: from how a server was found to what adopting it changes.
func (d MariaDB) compare(seen mariadbSeen, variables map[string]string) Adoption {
	a := Adoption{seen: seen}
	if isOn(variables["log_bin"]) {
		a.logs.binary = variables["log_bin_basename"]
	}
	a.logs.relay = variables["relay_log_basename"]
	seen.ours, seen.adopted, seen.logs = true, true, a.logs
	a.seen = seen
	a.Settings = settings(strings.TrimSuffix(d.confOf(seen), d.further()), variables)
	a.Others = seen.lacks(d)
	return a
}

// dynamic are the settings that a server takes while it runs.
var dynamic = []string{
	"server_id", "gtid_domain_id", "gtid_strict_mode", "binlog_format", "sync_binlog", "innodb_flush_log_at_trx_commit",
	"innodb_buffer_pool_size", "read_only",
	"rpl_semi_sync_master_enabled", "rpl_semi_sync_slave_enabled", "rpl_semi_sync_master_timeout", "rpl_semi_sync_master_wait_point",
	"rpl_semi_sync_master_wait_no_slave",
}

// settings are those of a configuration that differ from a server's variables. Where it
// names a log, that is on, and called so.
func settings(conf string, variables map[string]string) []Setting {
	var out []Setting
	for line := range strings.Lines(conf) {
		name, wanted, is := strings.Cut(strings.TrimSpace(line), " = ")
		if !is || strings.HasPrefix(name, "#") {
			continue
		}
		name = strings.ReplaceAll(name, "-", "_")
		value, known := variables[name]
		s := Setting{Name: name, Is: value, Wanted: wanted, Dynamic: slices.Contains(dynamic, name)}
		if s.Dynamic && name == "innodb_buffer_pool_size" {
			s.Dynamic = poolFits(wanted, variables["innodb_buffer_pool_size_max"])
		}
		switch {
		case name == "log_bin":
			value, s.Wanted = onOff(value), "ON"
			s.Is = value
		case name == "relay_log":
			value = variables["relay_log_basename"]
		case !known:
			s.Is = "unknown to it"
		}
		if !same(s, variables, value) {
			out = append(out, s)
		}
	}
	return out
}

// same tells whether a server with these variables is as a setting wants it.
func same(s Setting, variables map[string]string, value string) bool {
	switch s.Name {
	case "bind_address":
		return value == s.Wanted || s.Wanted == "0.0.0.0" && slices.Contains([]string{"", "*", "::", "NULL"}, value)
	case "relay_log":
		return value == "" || value == s.Wanted
	case "innodb_buffer_pool_size":
		have, want := bytes(value), bytes(s.Wanted)
		chunk := max(bytes(variables["innodb_buffer_pool_chunk_size"]), 1)
		return have >= want && have < want+chunk // which it is rounded up to
	}
	return value == s.Wanted || value != "" && onOff(value) == onOff(s.Wanted)
}

func isOn(value string) bool { return onOff(value) == "ON" }

// onOff writes a switch as the server does.
func onOff(value string) string {
	switch value {
	case "1":
		return "ON"
	case "0", "":
		return "OFF"
	}
	return value
}

// bytes reads a size, as 64M or in bytes.
func bytes(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(text, "M"), 10, 64)
	if strings.HasSuffix(text, "M") {
		n <<= 20
	}
	return n
}

// poolFits tells whether a server may grow to the size while it runs. Versions that have no
// limit have no such variable.
func poolFits(size, limit string) bool {
	return limit == "" || bytes(limit) == 0 || bytes(size) <= bytes(limit)
}

// statements set what a server takes while it runs.
func (a Adoption) statements() string {
	var b strings.Builder
	for _, s := range a.Settings {
		if !s.Dynamic {
			continue
		}
		value := s.Wanted
		if strings.HasSuffix(value, "M") {
			value = fmt.Sprint(bytes(value))
		}
		fmt.Fprintf(&b, "SET GLOBAL %s = %s;\n", s.Name, value)
	}
	return b.String()
}
