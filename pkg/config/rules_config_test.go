package config

import (
	"strings"
	"testing"
	"time"
)

// rulesFile is an otherwise valid file with these lines as its one rule r, from line 3 on.
func rulesFile(lines ...string) string {
	return "rules:\n  r:\n    " + strings.Join(lines, "\n    ") +
		"\nclusters:\n  main:\n    instances: [{name: db1, ip: 10.0.0.1}]\n    services: [{name: node1, mode: mariadb, instance: db1}]\n"
}

func TestRuleMistakes(t *testing.T) {
	const restart = "do: {command: {action: restart, group: node1}}"
	for _, c := range []struct{ what, text, want string }{
		{"fine", rulesFile("when: {type: logs}", restart), ""},
		{"fine by pattern", rulesFile("when: {type: /log|metr/, cluster: m*, labels: {a: /b+/}}", restart), ""},
		{"no when", rulesFile(restart), `2:3: the rule "r" has no when, what an event has to be like`},
		{"no do", rulesFile("when: {type: logs}"), `2:3: the rule "r" does 0 of command, script and alert, wanted exactly one`},
		{
			"two to do", rulesFile("when: {type: logs}", "do: {alert: {}, command: {action: restart, group: node1}}"),
			`4:9: the rule "r" does 2 of command, script and alert, wanted exactly one`,
		},
		{"a type that is none", rulesFile("when: {type: log}", restart), `3:18: there are no events of type "log"; did you mean "logs"?`},
		{"a cluster that is none", rulesFile("when: {cluster: mian}", restart), `3:21: there is no cluster "mian"; did you mean "main"?`},
		{
			"a bad expression", rulesFile("when: {name: /(/}", restart),
			"3:18: the regular expression does not compile: missing closing ): `(`",
		},
		{"an empty pattern", rulesFile(`when: {labels: {a: ""}}`, restart), "3:24: the pattern is empty; leave the key out for anything"},
		{
			"a label that is no text", rulesFile("when: {labels: {a: [b]}}", restart),
			"3:24: found a list, wanted text",
		},
		{
			"a verb rules may not use", rulesFile("when: {type: logs}", "do: {command: {action: remove, group: node1}}"),
			`4:28: a rule cannot give the command "remove" of services; there are restart, start`,
		},
		{"no verb", rulesFile("when: {type: logs}", "do: {command: {group: node1}}"), `4:19: the rule "r" has a command without action, the verb`},
		{
			"a group that is none", rulesFile("when: {type: logs}", "do: {command: {action: restart, group: nod1}}"),
			`4:44: there is no group "nod1": no cluster, instance, service or ip is called so; did you mean "node1"?`,
		},
		{
			"half a placeholder", rulesFile("when: {type: logs}", `do: {command: {action: restart, group: "{name"}}`),
			`4:44: "{name" has { without a word and }, such as {name}`,
		},
		{"no script", rulesFile("when: {type: logs}", "do: {script: {timeout: 1m}}"), `4:18: the rule "r" has a script without path, the executable`},
		{"too often", rulesFile("when: {type: logs}", "max_per_hour: 0", restart), "4:19: found 0, wanted a number from 1 to 3600"},
	} {
		if got := strings.Join(mistakes(t, c.text), "\n"); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

func TestRuleDefaults(t *testing.T) {
	c, err := Parse("/etc/clmgr/f", []byte(rulesFile("when: {type: logs}", "do: {script: {path: run-me}}")), known())
	if err != nil {
		t.Fatal(err)
	}
	r := c.Rules[0]
	if r.Name != "r" || r.MinDelay != time.Minute || r.MaxPerHour != 12 || r.For != 0 ||
		r.Do.Script.Path != "/etc/clmgr/run-me" || r.Do.Script.Timeout != 30*time.Second || r.Do.Command != nil || r.Do.Alert != nil {
		t.Errorf("%+v, does %+v", r, r.Do)
	}
}
