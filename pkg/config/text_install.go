package config

import (
	"path"
	"regexp"
	"strings"
)

// What names something on a machine: it goes into scripts there.
var (
	machinePath = regexp.MustCompile(`^(/[A-Za-z0-9._@:+-]+)+$`)
	fileMode    = regexp.MustCompile(`^0[0-7]{3}$`)
	fileOwner   = regexp.MustCompile(`^[a-z_][a-z0-9_-]*(:[a-z_][a-z0-9_-]*)?$`)
	hexSHA256   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	plainURL    = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/@%+,=-]+$`)
	// settingPattern is a line of a MariaDB's option file: no section, no include.
	settingPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*( *=[^\x00-\x1f\x7f]*)?$`)
)

// installFault says what is wrong with a text that tells how something is installed.
func installFault(check, s string) string {
	switch check {
	case "machinepath":
		if !machinePath.MatchString(s) || path.Clean(s) != s {
			return quoted(s) + " is not the path of a file on a machine, such as /etc/nginx/nginx.conf"
		}
	case "filemode":
		if !fileMode.MatchString(s) {
			return quoted(s) + ` is not the mode of a file such as "0644" or "0600"`
		}
	case "owner":
		if !fileOwner.MatchString(s) {
			return quoted(s) + " is not the owner of a file such as root or www-data:adm"
		}
	case "sha256":
		if !hexSHA256.MatchString(s) {
			return quoted(s) + " is not a SHA-256, as 64 digits 0 to 9 and a to f"
		}
	case "download":
		if !plainURL.MatchString(s) {
			return quoted(s) + " is not a URL such as https://deb.example.com/debian"
		}
	case "setting":
		return settingFault(s)
	}
	return ""
}

// reservedSettings are those of a MariaDB that clmgr's replication, handovers and checks
// stand on, and who runs it where.
func reservedSettings() []string {
	return []string{
		"binlog_format", "bind_address", "datadir", "gtid_domain_id", "gtid_strict_mode", "log_bin", "log_slave_updates", "pid_file",
		"port", "read_only", "relay_log", "server_id", "skip_name_resolve", "socket", "user",
		"skip_grant_tables", "skip_networking", "skip_slave_start", "init_file", "basedir",
		"rpl_semi_sync_master_enabled", "rpl_semi_sync_slave_enabled", "rpl_semi_sync_master_timeout", "rpl_semi_sync_master_wait_point",
		"rpl_semi_sync_master_wait_no_slave",
	}
}

// settingFault refuses what is no setting, and one that clmgr depends on. The server takes
// each under several names, and any beginning of one that is none's else.
func settingFault(s string) string {
	if !settingPattern.MatchString(s) {
		return quoted(s) + " is not a setting such as max_connections = 500"
	}
	name, _, _ := strings.Cut(s, "=")
	name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "_")
	for _, prefix := range []string{"loose_", "maximum_", "enable_", "disable_", "skip_"} {
		if bare, is := strings.CutPrefix(name, prefix); is {
			if other := reservedAs(bare); other != "" {
				return reservedFault(s, other)
			}
		}
	}
	if other := reservedAs(name); other != "" {
		return reservedFault(s, other)
	}
	return ""
}

func reservedFault(s, other string) string {
	return quoted(s) + " sets, or may be short for, " + other + ", which clmgr depends on and sets itself"
}

// reservedAs is the reserved setting that the server may take a name for; empty for none.
func reservedAs(name string) string {
	for _, r := range reservedSettings() {
		if name != "" && strings.HasPrefix(r, name) {
			return r
		}
	}
	return ""
}
