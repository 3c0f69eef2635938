package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// mistakes returns what is said of a file, without the file's name.
func mistakes(t *testing.T, text string) []string {
	t.Helper()
	_, err := Parse("f", []byte(text), known())
	if err == nil {
		return nil
	}
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("not Errors: %v", err)
	}
	var said []string
	for _, p := range all {
		said = append(said, fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message))
	}
	return said
}

func TestMistakesInLogs(t *testing.T) {
	const match = ", match: [{name: m, regexp: a}]"
	for _, c := range []struct{ what, log, want string }{
		{"good", "name: l, instance: db1, unit: u" + match, ""},
		{"group by number", "name: l, instance: db1, unit: u, match: [{name: m, regexp: (a)(?P<n>b), state: '$1 ${2} $n $$'}]", ""},
		{"no name", "instance: db1, unit: u" + match, "4:12: this log has no name"},
		{"no such instance", "name: l, instance: db3, unit: u" + match, `4:32: the log "l" is on the instance "db3", which the cluster "main" does not have; did you mean "db1"?`},
		{"no instance", "name: l, unit: u" + match, `4:19: the log "l" has no instance, the machine that it is on`},
		{"both", "name: l, instance: db1, unit: u, file: /a" + match, `4:52: the log "l" has both unit and file, wanted one of them`},
		{"neither", "name: l, instance: db1" + match, `4:19: the log "l" has neither unit nor file, wanted one of them`},
		{"bad file", "name: l, instance: db1, file: a" + match, `4:43: "a" is not the path of a file on the machine; it begins with /`},
		{"no match", "name: l, instance: db1, unit: u, match: []", `4:53: the log "l" has no match: a list of what to look for is wanted`},
		{"no regexp", "name: l, instance: db1, unit: u, match: [{name: m}]", `4:61: the match "m" of the log "l" has no regexp`},
		{"twice", "name: l, instance: db1, unit: u, match: [{name: m, regexp: a}, {name: m, regexp: b}]", `4:83: the match name "m" is used twice; the first stands at line 4`},
		{"no group", "name: l, instance: db1, unit: u, match: [{name: m, regexp: a, state: '$peer'}]", `4:82: the state speaks of $peer, and the regexp has no group "peer"`},
		{"bad regexp", "name: l, instance: db1, unit: u, match: [{name: m, regexp: '(', state: '$peer'}]", "4:72: the regular expression does not compile: missing closing ): `(`"},
	} {
		want := []string{c.want}
		if c.want == "" {
			want = nil
		}
		if got := mistakes(t, in("    logs: [{"+c.log+"}]\n")); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", c.what, got, want)
		}
	}
}

// in puts services into an otherwise valid file, from line 4 on.
func in(services string) string {
	return "clusters:\n  main:\n    instances: [{name: db1, ip: 10.0.0.1}, {name: db2, ip: 10.0.0.2}]\n" + services
}

// notMemcached is what is said at a place of a URL that is no memcached's.
func notMemcached(at string) string {
	return at + ": the store is not a URL such as memcached://10.0.0.1:11211 or memcached://10.0.0.1:11211/prefix"
}

const noStoreKey = "a store of memcached needs a store_key of 16 characters at least: everybody who reaches it could write to it"

func TestMistakes(t *testing.T) {
	const base = "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}]}}\n"
	for _, c := range []struct{ what, text, want string }{
		{"empty file", "", "1:1: the file is empty; `clmgr config init` writes one to start from"},
		{"only comments", "# nothing\n", "1:1: the file is empty; `clmgr config init` writes one to start from"},
		{"scalar", "hello\n", "1:1: found text, wanted a mapping (key: value)"},
		{"list", "- a\n", "1:1: found a list, wanted a mapping (key: value)"},
		{"no clusters", "manager: m1\n", "1:1: the file describes no cluster: a mapping clusters with at least one is wanted"},
		{"UTF-16", "\xff\xfec\x00", "1:1: the file is UTF-16; it must be saved as UTF-8"},
		{"Latin-1", "manager: m\nstate_dir: /\xe9\n", "2:13: the byte 0xe9 is not UTF-8 text"},
		{"NUL", base + "manager: a\x00b\n", "2:11: the control character 0x00 is not allowed"},
		{"escape", base + "# \x1b[31m\n", "2:3: the control character 0x1b is not allowed"},
		{"tab", "clusters:\n\tmain: 1\n", `2:1: YAML: found character '\x09' that cannot start any token`},
		{"open bracket", base + "ssh: {keys: [a, b}\n", "2:18: YAML: ',' or ']' must be specified"},
		{"open quote", base + "manager: 'a\n", "2:10: YAML: could not find end character of single-quoted text"},
		{"two documents", base + "---\nmanager: m\n", "3:1: a second YAML document begins; the configuration is one document"},
		{"tag", base + "manager: !!str m\n", "2:10: YAML tags are not understood; text that begins with ! goes in quotes"},
		{"unknown alias", base + "manager: *m\n", "2:10: the alias names no anchor above it; text that begins with * goes in quotes"},
		{"alias of itself", base + "ssh: &s {<<: *s}\n", "2:14: the alias names no anchor above it; text that begins with * goes in quotes"},
		{"bad merge", base + "ssh: {<<: 3}\n", "2:11: found a number after the merge key <<, wanted a mapping"},
		{"odd flow key", base + "ssh: {[a]: 1}\n", "2:10: YAML: found an invalid key for this map"},
		{"odd key", base + "? [a]\n: 1\n", "3:1: YAML: found an invalid key for this map"},
		{"unknown key", base + "managr: m\n", `2:1: unknown key "managr"; did you mean "manager"?`},
		{"far key", base + "xyzzy: m\n", `2:1: unknown key "xyzzy"`},
		{"case", base + "Manager: m\n", `2:1: unknown key "Manager"; did you mean "manager"?`},
		{"twice", base + "manager: a\nssh:\nmanager: b\n", `4:1: the key "manager" stands here twice; the first is at line 2`},
		{"peers: short ttl", base + "peers: {interval: 6s}\n", "2:19: ttl is 10s, less than twice the interval, 6s: one report that is late would be a failure"},
		{"peers: short window", base + "peers: {window: 10}\n", "2:17: min_samples is 10, wanted less than window, 10"},
		{"peers: no threshold", base + "peers: {threshold: 0}\n", "2:20: found 0, wanted a number from 1 to 100"},
		{"peers: odd word", base + "peers: {watch: maybe}\n", `2:16: "maybe" is not one of auto, always, never`},
		{"peers: metric without command", base + "peers: {metrics: {a: {interval: 1s}}}\n", `2:19: the metric "a" has no command, the line to run`},
		{"peers: metric of everybody", base + "peers: {metrics: {load: {command: x}}}\n", `2:19: "load" cannot be the name of a metric: every manager publishes it`},
		{"peers: metric with short ttl", base + "peers: {metrics: {a: {command: x, ttl: 31s}}}\n", `2:40: ttl of the metric "a" is 31s, less than its interval and timeout together, 35s`},
		{"CRLF", "manager: a\r\nclusters:\r\n  main:\r\n    instances:\r\n      - {name: a}\r\n", `5:9: the instance "a" has no ip`},
		{"after wide text", `manager: "é", x: 1` + "\n", "1:13: YAML: value is not allowed in this context. map key-value is pre-defined"},
		{"null scalar", base + "manager:\n", "2:10: found nothing, wanted text"},
		{"number as text", base + "manager: 7\n", "2:10: found a number, wanted text: put it in quotes"},
		{"list as text", base + "manager: [a]\n", "2:10: found a list, wanted text"},
		{"text for list", base + "ssh: {keys: a}\n", "2:13: found text, wanted a list"},
		{"number in list", base + "ssh: {keys: [a, 3]}\n", "2:17: found a number, wanted text: put it in quotes"},
		{"list for mapping", base + "ssh: [a]\n", "2:6: found a list, wanted a mapping (key: value)"},
		{"no unit", base + "ssh: {timeout: '3'}\n", `2:16: cannot read "3" as a duration; wanted one such as 500ms, 10s, 2h or 30d`},
		{"zero duration", base + "ssh: {timeout: 0s}\n", `2:16: the duration "0s" is not more than nothing; wanted one such as 500ms, 10s, 2h or 30d`},
		{"negative duration", base + "ssh: {timeout: -3s}\n", `2:16: cannot read "-3s" as a duration; wanted one such as 500ms, 10s, 2h or 30d`},
		{"float port", base + "ssh: {port: 2.2}\n", "2:13: found a number, wanted a port number from 1 to 65535"},
		{"large port", base + "ssh: {port: 65536}\n", "2:13: found 65536, wanted a port number from 1 to 65535"},
		{"port as text", base + "ssh: {port: '22'}\n", "2:13: found text, wanted a port number from 1 to 65535"},
		{"width", base + "heartbeat: {width: 0}\n", "2:20: found 0, wanted a number from 1 to 65536"},
		{"bool", base + "ssh: {agent: yes}\n", "2:14: found text, wanted true or false"},
		{"number as bool", base + "ssh: {agent: 1}\n", "2:14: found a number, wanted true or false"},
		{"ec2 nowhere", "clusters:\n  c:\n    cloud: {driver: EC2}\n    instances: [{name: a, ip: 10.0.0.1}]\n", "3:21: the driver EC2 needs vpc or subnet: without them the ips of instances could be those of other people's"},
		{"ec2 and a declared state", "clusters:\n  c:\n    cloud: {driver: EC2, vpc: v}\n    instances: [{name: a, ip: 10.0.0.1, state: stopped}]\n", `4:48: the instance "a" has a state, which its provider tells`},
		{"ec2 and no address", "clusters:\n  c:\n    cloud: {driver: EC2, vpc: v, elastic_ip: web}\n    instances: [{name: a, ip: 10.0.0.1}]\n", `3:46: "web" is not an ip address such as 203.0.113.10`},
		{"console of nothing", in("    ssh: {host_key: console}\n"), "4:21: host_key: console is for machines of the driver EC2: others do not show their console"},
		{"enum of another kind", base + "ssh: {host_key: true}\n", "2:17: found true or false, wanted strict or accept-new or console"},
		{"tilde", base + "state_dir: ~bob/x\n", `2:12: cannot resolve "~bob/x": of the forms with ~ only ~/ is understood`},
		{"store", base + "store: somewhere\n", "2:8: the store is not a URL such as file:/var/lib/clmgr/store"},
		{"no port of memcached", base + "store: memcached://10.0.0.1\n", notMemcached("2:8") + "\n2:8: " + noStoreKey},
		{"memcached of nobody", base + "store_key: 0123456789abcdef\nstore: memcached://:11211/x\n", notMemcached("3:8")},
		{"memcached of a user", base + "store_key: 0123456789abcdef\nstore: memcached://u@h:11211\n", notMemcached("3:8")},
		{"memcached port", base + "store_key: 0123456789abcdef\nstore: memcached://h:0\n", notMemcached("3:8")},
		{"no store_key", base + "store: memcached://h:11211\n", "2:8: " + noStoreKey},
		{"short store_key", base + "store: memcached://h:11211\nstore_key: 0123456789abcde\n", "3:12: the store_key has fewer than 16 characters"},
		{"empty store_key", base + "store: memcached://h:11211\nstore_key: ''\n", "3:12: the store_key has fewer than 16 characters"},
		{"store_key of nothing", base + "store: memcached://h:11211\nstore_key:\n", "3:12: found nothing, wanted text, {env: NAME} or {file: PATH}"},
		{"short lease", base + "actions: {lease: 999ms}\n", `2:18: the duration "999ms" is less than 1s`},
		{"first delay", base + "actions: {first_delay: 6m}\n", "2:24: first_delay is 6m, longer than longest_delay, 5m"},
		{"longest delay", base + "actions: {longest_delay: 1s}\n", "2:26: first_delay is 5s, longer than longest_delay, 1s"},
		{"longest delay of another kind", base + "actions: {longest_delay: 1}\n", "2:26: found a number, wanted a duration such as 500ms, 10s, 2h or 30d"},
		{"no tries", base + "actions: {tries: 0}\n", "2:18: found 0, wanted a number from 1 to 1000"},
		{"script that is none", base + "doctor: {scripts: ['']}\n", "2:20: the path is empty"},
		{"short time for a script", base + "doctor: {timeout: 10ms}\n", `2:19: the duration "10ms" is less than 1s`},
		{"unit", base + "modes: {m: {tcp: , unit: a b}}\n", `2:26: "a b" is not the name of a systemd unit such as mariadb.service`},
		{"unit as an option", in("    services: [{name: s, mode: mysql, instance: db1, unit: --now}]\n"), `4:60: "--now" is not the name of a systemd unit such as mariadb.service`},
		{"unit and start", base + "modes: {m: {tcp: , unit: u, start: a, stop: b}}\n", `2:26: the mode "m" has both a unit and commands (start, stop, restart), wanted one of them`},
		{"unit and restart", base + "modes: {m: {tcp: , unit: u, restart: a}}\n", `2:26: the mode "m" has both a unit and commands (start, stop, restart), wanted one of them`},
		{"start without stop", base + "modes: {m: {tcp: , start: a}}\n", `2:27: the mode "m" has start without stop`},
		{"stop without start", base + "modes: {m: {tcp: , stop: a}}\n", `2:26: the mode "m" has stop without start`},
		{"restart alone", base + "modes: {m: {tcp: , restart: a}}\n", `2:29: the mode "m" has restart without start and stop`},
		{"empty start", base + "modes: {m: {tcp: , start: ' ', stop: a}}\n", "2:27: the command is empty"},
		{"unit beside commands", "modes: {m: {tcp: , port: 1, start: a, stop: b}}\n" + in("    services: [{name: s, mode: m, instance: db1, unit: u}]\n"), `5:56: the service "s" has a unit, but its mode "m" is started by commands`},
		{"vip of a database", in("    services: [{name: s, mode: mariadb, instance: db1, vip: 10.0.0.9}]\n"), `4:61: the service "s" has a vip, which means nothing to the mode "mariadb"`},
		{"vip of a machine", in("    services: [{name: s, mode: keepalived, instance: db1, vip: 10.0.0.2}]\n"), `4:64: the vip of the service "s" is the own ip of the instance "db2"`},
		{"no vip", in("    services: [{name: s, mode: keepalived, instance: db1, vip: lb}]\n"), `4:64: "lb" is not an ip address such as 10.0.0.1 or fd00::1`},
		{"stats of a database", in("    services: [{name: s, mode: mariadb, instance: db1, stats: {socket: /s}}]\n"), `4:63: the service "s" has stats, which mean nothing to the mode "mariadb"`},
		{"empty stats", in("    services: [{name: s, mode: haproxy, instance: db1, stats: {}}]\n"), `4:63: the service "s" has neither socket nor path in stats, wanted one of them`},
		{"socket and page", in("    services: [{name: s, mode: haproxy, instance: db1, stats: {socket: /s, path: /p, port: 80}}]\n"), `4:82: the service "s" has both socket and path in stats, wanted one of them`},
		{"socket's port", in("    services: [{name: s, mode: haproxy, instance: db1, stats: {socket: /s, port: 80}}]\n"), `4:82: the service "s" has port in stats without path, the page that it belongs to`},
		{"relative socket", in("    services: [{name: s, mode: haproxy, instance: db1, stats: {socket: s}}]\n"), `4:72: "s" is not the path of a socket on the service's machine; it begins with /`},
		{"page without port", in("    services: [{name: s, mode: haproxy, instance: db1, stats: {path: /p}}]\n"), `4:70: the service "s" has a stats page without a port`},
		{"here twice", "clusters: {c: {instances: [{name: a, ip: 10.0.0.1, here: true}, {name: b, ip: 10.0.0.2, here: true}]}}\n", `1:95: clmgr cannot run on both "a" and "b": only one is here`},
		{"bastion", base + "ssh: {bastion: 'a b'}\n", `2:16: "a b" is not a bastion as in user@host:22`},
		{"bastion option", base + "ssh: {bastion: -oProxyCommand}\n", `2:16: "-oProxyCommand" is not a bastion as in user@host:22`},
		{"bastion port", base + "ssh: {bastion: 'a@b:0'}\n", `2:16: "a@b:0" has no port number from 1 to 65535 after the colon`},
		{"long name", base + "manager: " + strings.Repeat("m", 64) + "\n", `2:10: the name "` + strings.Repeat("m", 60) + `…" is longer than 63 characters`},
		{"name begins", base + "manager: -m\n", `2:10: the name "-m" must begin with a letter or digit`},
		{"name of mode", base + "modes: {db: {tcp: }}\n", `2:9: "db" cannot be the name of a mode: it has another meaning in commands`},
		{"built-in mode", base + "modes: {mysql: {tcp: }}\n", `2:9: the mode "mysql" is built in and cannot be described again; it may be given a recipe, and its unit and packages`},
		{"no check", base + "modes: {m: {port: 1}}\n", `2:9: the mode "m" has 0 of tcp, http and command, wanted exactly one`},
		{"no run", base + "modes: {m: {command: }}\n", `2:21: the mode "m" has a command without run, the line to run`},
		{"place of two kinds", base + "alerts: {places: {a: {url: x, program: [/bin/true]}}}\n", `2:19: the place "a" has 2 of url, webhook and program, wanted exactly one`},
		{"place of no kind", base + "alerts: {places: {a: {}}}\n", `2:19: the place "a" has 0 of url, webhook and program, wanted exactly one`},
		{"webhook without url", base + "alerts: {places: {a: {webhook: {key: x123}}}}\n", `2:19: the webhook of the place "a" has no url`},
		{"relative program", base + "alerts: {places: {a: {program: [page]}}}\n", `2:32: the program of the place "a" must be a list that begins with an absolute path`},
		{"route to nowhere", base + "alerts: {places: {chat: {url: x}}, routes: [{to: [caht]}, {}]}\n", "2:51: there is no place \"caht\"; did you mean \"chat\"?\n2:59: the route leads to no place: to, a list of names of places, is wanted"},
		{"bad label", base + "alerts: {places: {a: {url: x}}, routes: [{to: [a], labels: [team]}]}\n", `2:61: "team" is not a label as in NAME=PATTERN`},
		{"bad severity", base + "alerts: {places: {a: {url: x}}, routes: [{to: [a], severity: [bad]}]}\n", `2:63: "bad" is not one of critical, warning, info`},
		{"url that somebody refuses", base + "alerts: {places: {a: {url: 'refused hunter2'}}}\n", `2:28: the url of the place "a" cannot be used: it is refused`},
		{"template that somebody refuses", base + "alerts: {places: {a: {url: x}}, routes: [{to: [a], text: refused}]}\n", `2:58: it is refused`},
		{"delays", base + "alerts: {first_delay: 1h}\n", "2:23: first_delay is 1h, longer than longest_delay, 5m"},
		{"exit", base + "modes: {m: {command: {run: x, exit: 256}}}\n", "2:37: found 256, wanted a number from 0 to 255"},
		{"method", base + "modes: {m: {http: {method: get}}}\n", `2:28: "get" is not an HTTP method such as GET`},
		{"URL path", base + "modes: {m: {http: {path: health}}}\n", `2:26: "health" is not the path of a URL; it begins with / and has no spaces`},
		{"driver", "clusters: {main: {cloud: {driver: local}, instances: [{name: db1, ip: 10.0.0.1}]}}\n", `1:35: unknown driver "local"; did you mean "LOCAL"?`},
		{"width in cluster", "clusters: {main: {ssh: {width: 3}, instances: [{name: db1, ip: 10.0.0.1}]}}\n", "1:32: width holds for all clusters together; it belongs under the ssh at the top of the file"},
		{"cluster named by type", "clusters: {db: {instances: [{name: db1, ip: 10.0.0.1}]}}\n", `1:12: "db" cannot be the name of a cluster: it is a type of services in commands`},
		{"empty cluster", "clusters: {main: }\n", `1:12: the cluster "main" has neither instances nor services`},
		{"same ip", "clusters: {main: {instances: [{name: a, ip: 10.0.0.1}, {name: b, ip: '::ffff:10.0.0.1'}]}}\n", "1:70: the ip 10.0.0.1 is an instance's already at line 1"},
		{"any ip", "clusters: {main: {instances: [{name: a, ip: 0.0.0.0}]}}\n", `1:45: "0.0.0.0" is not the address of one machine`},
		{"state", "clusters: {main: {instances: [{name: a, ip: 10.0.0.1, state: off}]}}\n", `1:62: "off" is not one of stopped`},
		{"service named by mode", in("    services: [{name: mysql, mode: mysql, ip: 10.0.0.1}]\n"), `4:23: "mysql" cannot be the name of a service: it is a mode in commands`},
		{"service named by ip", in("    services: [{name: 10.0.0.1, mode: mysql, ip: 10.0.0.1}]\n"), `4:23: "10.0.0.1" cannot be the name of a service: in commands it is an ip`},
		{"shell name", in("    services: [{name: 'a;rm', mode: mysql, ip: 10.0.0.1}]\n"), `4:23: the name "a;rm" has a character other than letters, digits, . _ and -`},
		{"no mode", in("    services: [{name: s, ip: 10.0.0.1}]\n"), `4:23: the service "s" has no mode; there are haproxy, keepalived, mariadb, memcache, mysql, proxy0`},
		{"null service", in("    services: [~]\n"), "4:16: this service has no name\n4:16: this service has neither instance nor ip, wanted one of them\n4:16: this service has no mode; there are haproxy, keepalived, mariadb, memcache, mysql, proxy0"},
		{"no port", in("    services: [{name: s, mode: proxy0, ip: 10.0.0.1}]\n"), `4:23: the service "s" has no port, and its mode "proxy0" has no default`},
		{"mode of another kind", in("    services: [{name: s, mode: [], ip: 10.0.0.1}]\n"), "4:32: found a list, wanted text"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := mistakes(t, c.text)
			want := strings.Split(c.want, "\n")
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// A password is never shown, however its key is misused.
func TestMistakesShowNoPassword(t *testing.T) {
	for _, value := range []string{
		"[hunter2]", "{hunter2}", "{hunter2: }", "{env: hunter2: }", "*hunter2", "!hunter2", "&hunter2", "hunter2: a",
		"{env: [hunter2]}", "{file: {hunter2: 1}}", "'hunter2", `"hunter2\q"`, "{env: a, hunter2: b}", "{vault: hunter2}", "@hunter2", "|hunter2",
	} {
		said := mistakes(t, in("    database:\n      password: "+value+"\n"))
		if len(said) == 0 {
			t.Errorf("%s: no mistake", value)
		}
		if strings.Contains(strings.Join(said, "\n"), "hunter2") {
			t.Errorf("%s: %q", value, said)
		}
	}
	if said := mistakes(t, in("store: 'memcached://u:hunter2 @h'\n")); len(said) == 0 || strings.Contains(strings.Join(said, ""), "hunter2") {
		t.Errorf("store: %q", said)
	}
}
