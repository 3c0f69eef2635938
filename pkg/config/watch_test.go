package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// What is wrong with what is to be watched is said where it stands.
func TestMistakesOfWatchers(t *testing.T) {
	metric := func(keys string) string {
		return in("    metrics: [{name: m, url: 'http://h:9', query: up, " + keys + "}]\n")
	}
	host := func(keys string) string { return in("    host: {" + keys + "}\n") }
	for _, c := range []struct{ what, text, want string }{
		{"bare metric", in("    metrics: [{}]\n"), "4:15: this metric has no name\n4:15: this metric has no url\n4:15: this metric has no query\n4:15: this metric has neither compare nor change: true, wanted one of them"},
		{"same name", in("    metrics: [{name: m, url: 'http://h', query: up, compare: '> 1'}, {name: m, url: 'http://h', query: up, change: true}]\n"), `4:77: the metric name "m" is used twice; the first stands at line 4`},
		{"url with a password", in("    metrics: [{name: m, url: 'http://u:hunter2@h', query: up, change: true}]\n"), "4:30: this is not a URL such as http://127.0.0.1:9090; a user and a password have keys of their own"},
		{"empty query", in("    metrics: [{name: m, url: 'http://h', query: ' ', change: true}]\n"), "4:49: the command is empty"},
		{"both", metric("compare: '> 1', change: true"), `4:64: the metric "m" has both compare and change, wanted one of them`},
		{"neither", metric("change: false"), `4:22: the metric "m" has neither compare nor change: true, wanted one of them`},
		{"until of a change", metric("change: true, until: '< 1'"), `4:76: the metric "m" has until without compare, which it ends`},
		{"absent change", metric("change: true, absent: ok"), `4:77: the metric "m" has absent: ok without compare; a value that is not there is no change`},
		{"no comparison", metric("compare: 30%"), `4:64: "30%" is not a comparison such as > 30, == yes or =~ ^10[.]11`},
		{"text for a number", metric("compare: '> much'"), `4:64: "> much" does not compare with a number, as > 30 does; for text set type: string`},
		{"number for text", metric("type: string, compare: '> 30'"), `4:78: "> 30" does not compare text, as == yes and =~ ^10[.]11 do`},
		{"bad match", metric("type: string, compare: '=~ ('"), "4:78: the regular expression does not compile: missing closing ): `(`"},
		{"range", metric("change: true, range: 5..1"), `4:76: "5..1" is not a range such as 0..100 or 0..`},
		{"range of nothing", metric("change: true, range: .."), `4:76: ".." is not a range such as 0..100 or 0..`},
		{"range of text", metric("type: string, change: true, range: 1.."), `4:90: the metric "m" has a range, but its type is string`},
		{"label", metric("change: true, label: a-b"), `4:76: "a-b" is not the name of a label`},
		{"user and token", metric("change: true, user: u, token: canary-canary"), `4:85: the metric "m" has both user and token, wanted one of them`},
		{"no such instance", metric("change: true, instance: db3"), `4:79: the metric "m" names the instance "db3", which the cluster "main" does not have; did you mean "db1"?`},
		{"severity", metric("change: true, severity: fatal"), `4:79: "fatal" is not one of info, warning, critical`},
		{"unit of nothing", in("    units: {watch: [{severity: info}]}\n"), "4:21: what is to be watched here has no unit"},
		{"unit elsewhere", in("    units: {watch: [{unit: u, instances: [db9]}]}\n"), `4:43: the unit "u" names the instance "db9", which the cluster "main" does not have; did you mean "db1"?`},
		{"no restarts", in("    units: {restarts: 0}\n"), "4:23: found 0, wanted a number from 1 to 100"},
		{"limits", host("disk: 95/85"), `4:18: "95/85" are not limits such as 85/95, for warning and critical in percent, or none`},
		{"one limit", host("swap: '50'"), `4:18: "50" are not limits such as 85/95, for warning and critical in percent, or none`},
		{"no limits", host("load: 0/10"), `4:18: "0/10" are not limits such as 85/95, for warning and critical in percent, or none`},
		{"no path", host("mounts: [{disk: none}]"), "4:21: this mount point has no path"},
		{"path", host("mounts: [{path: /a/}]"), `4:28: "/a/" is not a mount point such as /var/lib/mysql; it begins with / and does not end so`},
		{"same path", host("mounts: [{path: /a}, {path: /a}]"), `4:40: the mount point "/a" stands here twice; the first is at line 4`},
		{"host elsewhere", host("instances: [db9]"), `4:24: host names the instance "db9", which the cluster "main" does not have; did you mean "db1"?`},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, want := mistakes(t, c.text), strings.Split(c.want, "\n")
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// Each is refused by the schema and by Parse alike.
func TestSchemaRefusesWatchers(t *testing.T) {
	s := compiledSchema(t)
	for what, keys := range map[string]string{
		"no url":       "metrics: [{name: m, query: up, change: true}]",
		"url":          "metrics: [{name: m, url: 'ftp://h', query: up, change: true}]",
		"both":         "metrics: [{name: m, url: 'http://h', query: up, change: true, compare: '> 1'}]",
		"both, one no": "metrics: [{name: m, url: 'http://h', query: up, change: false, compare: '> 1'}]",
		"comparison":   "metrics: [{name: m, url: 'http://h', query: up, compare: 'much'}]",
		"range":        "metrics: [{name: m, url: 'http://h', query: up, change: true, range: 1-2}]",
		"limits":       "host: {disk: 85%}",
		"mount":        "host: {mounts: [{path: data}]}",
		"no unit":      "units: {watch: [{severity: info}]}",
	} {
		text := "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], " + keys + "}}\n"
		if err := s.Validate(asJSON(t, text)); err == nil {
			t.Errorf("%s: the schema takes it", what)
		}
		if _, err := Parse("clmgr.yaml", []byte(text), known()); err == nil {
			t.Errorf("%s: Parse takes it", what)
		}
	}
}

// A section without a word in it is one with all its defaults; without the section
// nothing is watched.
func TestWatchersAreFilled(t *testing.T) {
	c, err := Parse("f", []byte(in("    units:\n    host:\n")), known())
	if err != nil {
		t.Fatal(err)
	}
	u, h := c.Clusters[0].Units, c.Clusters[0].Host
	if u == nil || !u.Services || u.Interval != 10*time.Second || u.Restarts != 1 {
		t.Errorf("units: %+v", u)
	}
	if h == nil || h.Disk != "85/95" || h.Clear != 5 || h.Interval != 30*time.Second {
		t.Errorf("host: %+v", h)
	}
	c, err = Parse("f", []byte(in("    host: {disk: 70/80, mounts: [{path: /a, inodes: none}]}\n    metrics: [{name: m, url: 'http://h', query: up, change: true, interval: 1s, token: canary-of-metrics}]\n")), known())
	if err != nil {
		t.Fatal(err)
	}
	cl := c.Clusters[0]
	if cl.Units != nil || cl.Host.Mounts[0].Disk != "70/80" || cl.Host.Mounts[0].Inodes != "none" {
		t.Errorf("%+v", cl.Host)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Message, "misses the next one") {
		t.Errorf("%v", c.Warnings)
	}
	if secrets := c.Secrets(); len(secrets) != 1 || secrets[0].Reveal() != "canary-of-metrics" {
		t.Errorf("%v", secrets)
	}
}
