package config

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (k *checker) checkLogs() {
	names := map[string]place{}
	for i := range k.cluster.Logs {
		l := &k.cluster.Logs[i]
		if k.bad[l] {
			continue
		}
		k.checkName("log", l.Name, &l.Name, l, names)
		k.checkLogPlace(l)
		if len(l.Match) == 0 && !k.bad[&l.Match] {
			k.problem(k.where(&l.Match, &l.Name, l), "%s has no match: a list of what to look for is wanted", called("log", l.Name))
		}
		seen := map[string]place{}
		for n := range l.Match {
			k.checkLogMatch(l, &l.Match[n], seen)
		}
	}
}

// checkLogPlace checks where a log is: on a machine, and exactly one of unit and file.
func (k *checker) checkLogPlace(l *Log) {
	unit, file := k.set(&l.Unit), k.set(&l.File)
	switch {
	case unit && file:
		k.problem(k.where(&l.File), "%s has both unit and file, wanted one of them", called("log", l.Name))
	case !unit && !file:
		k.problem(k.where(&l.Name, l), "%s has neither unit nor file, wanted one of them", called("log", l.Name))
	}
	switch {
	case k.bad[&l.Instance]:
	case l.Instance == "":
		k.problem(k.where(&l.Instance, &l.Name, l), "%s has no instance, the machine that it is on", called("log", l.Name))
	case !k.has[l.Instance]:
		k.problem(k.where(&l.Instance), "%s is on the instance %s, which the cluster %s does not have%s",
			called("log", l.Name), quoted(l.Instance), quoted(k.cluster.Name), k.choices(l.Instance, k.instances))
	}
}

func (k *checker) checkLogMatch(l *Log, m *LogMatch, seen map[string]place) {
	if k.bad[m] {
		return
	}
	k.checkName("match", m.Name, &m.Name, m, seen)
	if m.Regexp == "" && !k.bad[&m.Regexp] {
		k.problem(k.where(&m.Regexp, &m.Name, m), "%s of %s has no regexp", called("match", m.Name), called("log", l.Name))
		return
	}
	re, err := regexp.Compile(m.Regexp)
	if err != nil {
		return // reported already
	}
	os.Expand(m.State, func(name string) string {
		if n, err := strconv.Atoi(name); name != "$" && (err != nil || n > re.NumSubexp()) && !slices.Contains(re.SubexpNames(), name) {
			k.problem(k.where(&m.State), "the state speaks of $%s, and the regexp has no group %s", name, quoted(name))
		}
		return ""
	})
}

// fillLog completes a watcher.
func (d *decoder) fillLog(l *Log) {
	d.defaults(l)
	if l.Unit != "" && !strings.Contains(l.Unit, ".") {
		l.Unit += ".service"
	}
}
