package services

import (
	"strconv"
	"strings"
)

// basicFacts are the facts in the answer to the basic question.
func basicFacts(basic record) map[string]any {
	facts := make(map[string]any)
	for name, value := range basic {
		switch name {
		case "read_only", "super_read_only", "semi_sync_master_enabled", "semi_sync_slave_enabled":
			facts[name] = on(value)
		case "version", "gtid_position", "gtid_binlog_position":
			facts[name] = value
		}
	}
	return facts
}

// counterFacts are the facts in variables and status counters, by the name in lower
// case. MySQL 8.0.26 and later say source and replica; the facts keep one name.
func counterFacts(counters map[string]string) map[string]any {
	facts := make(map[string]any)
	for name, value := range counters {
		name = strings.NewReplacer("source", "master", "replica", "slave").Replace(name)
		switch name {
		case "uptime":
			number(facts, "uptime_seconds", value)
		case "threads_connected":
			number(facts, name, value)
		case "rpl_semi_sync_master_clients":
			number(facts, "semi_sync_master_clients", value)
		case "rpl_semi_sync_master_enabled", "rpl_semi_sync_slave_enabled",
			"rpl_semi_sync_master_status", "rpl_semi_sync_slave_status":
			facts[strings.TrimPrefix(name, "rpl_")] = on(value)
		}
	}
	return facts
}

// on reads a switch: read_only has more ways of being on than one.
func on(value string) bool {
	switch strings.ToUpper(value) {
	case "", "0", "OFF", "NO", "FALSE":
		return false
	}
	return true
}

// number keeps a fact that is a whole number.
func number(facts map[string]any, name, value string) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		facts[name] = n
	}
}
