package config

import (
	"slices"
	"strings"
)

// checkRules checks what each rule waits for, and that it does one thing that a rule
// may do.
func (d *decoder) checkRules(c *Config) {
	groups := groupsOf(c)
	for i := range c.Rules {
		r := &c.Rules[i]
		if d.bad[r] {
			continue
		}
		at := d.where(&r.Name)
		if !d.set(&r.When) {
			d.problem(at, "the rule %s has no when, what an event has to be like", quoted(r.Name))
		}
		d.checkWhen(c, &r.When)
		given := 0
		for _, set := range []bool{d.set(&r.Do.Command), d.set(&r.Do.Script), d.set(&r.Do.Alert)} {
			if set {
				given++
			}
		}
		if given != 1 && !d.bad[&r.Do] {
			d.problem(d.where(&r.Do, &r.Name), "the rule %s does %d of command, script and alert, wanted exactly one", quoted(r.Name), given)
		}
		if s := r.Do.Script; s != nil && !d.set(&s.Path) && !d.bad[s] {
			d.problem(d.where(&r.Do.Script), "the rule %s has a script without path, the executable", quoted(r.Name))
		}
		if r.Do.Command != nil && !d.bad[r.Do.Command] {
			d.checkRuleCommand(r, groups)
		}
	}
}

// checkWhen refuses plain words that no event can have: such a rule would never fire.
func (d *decoder) checkWhen(c *Config, w *RuleWhen) {
	if w.Type != "" && !isPattern(w.Type) && !slices.Contains(d.known.Kinds, w.Type) {
		d.problem(d.where(&w.Type), "there are no events of type %s%s", quoted(w.Type), d.choices(w.Type, d.known.Kinds))
	}
	if names := c.ClusterNames(); w.Cluster != "" && !isPattern(w.Cluster) && !slices.Contains(names, w.Cluster) {
		d.problem(d.where(&w.Cluster), "there is no cluster %s%s", quoted(w.Cluster), d.choices(w.Cluster, names))
	}
}

// checkRuleCommand refuses verbs that a rule may not use, and groups that are nowhere.
func (d *decoder) checkRuleCommand(r *Rule, groups []string) {
	do := r.Do.Command
	d.defaults(do)
	if !d.set(&do.Action) {
		d.problem(d.where(&r.Do.Command), "the rule %s has a command without action, the verb", quoted(r.Name))
		return
	}
	var verbs []string
	for _, verb := range d.known.Verbs {
		if level, action, _ := strings.Cut(verb, " "); level == do.Level {
			verbs = append(verbs, action)
		}
	}
	if !slices.Contains(verbs, do.Action) {
		d.problem(d.where(&do.Action), "a rule cannot give the command %s of %s%s", quoted(do.Action), do.Level, d.choices(do.Action, verbs))
	}
	if !strings.Contains(do.Group, "{") && !slices.Contains(groups, do.Group) {
		d.problem(d.where(&do.Group), "there is no group %s: no cluster, instance, service or ip is called so%s", quoted(do.Group), d.suggestion(do.Group, groups))
	}
}

// groupsOf are what can be named in any cluster.
func groupsOf(c *Config) []string {
	out := []string{"all"}
	for i := range c.Clusters {
		cluster := &c.Clusters[i]
		out = append(out, cluster.Name)
		for _, in := range cluster.Instances {
			out = append(out, in.Name, in.IP.String())
		}
		for _, s := range cluster.Services {
			out = append(out, s.Name, s.IP.String())
		}
	}
	return out
}

// isPattern tells whether a text may match others than itself.
func isPattern(s string) bool {
	return strings.ContainsAny(s, "*?") || len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/'
}

// patternFault says what is wrong with a pattern of a rule.
func patternFault(s string) string {
	if s == "" {
		return "the pattern is empty; leave the key out for anything"
	}
	if len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' {
		return textFault("regexp", s[1:len(s)-1])
	}
	return ""
}

// templateFault says what is wrong with a text in which words stand in braces.
func templateFault(s string) string {
	rest := s
	for {
		before, after, opened := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return quoted(s) + " has } without {"
		}
		if !opened {
			break
		}
		word, next, closed := strings.Cut(after, "}")
		if !closed || strings.TrimSpace(word) == "" || strings.Contains(word, "{") {
			return quoted(s) + " has { without a word and }, such as {name}"
		}
		rest = next
	}
	if s == "" {
		return "the group is empty"
	}
	return ""
}
