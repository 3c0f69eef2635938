package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checkMetrics checks what the metrics of a cluster ask and how they judge.
func (k *checker) checkMetrics() {
	names := map[string]place{}
	for i := range k.cluster.Metrics {
		m := &k.cluster.Metrics[i]
		if k.bad[m] {
			continue
		}
		k.checkName("metric", m.Name, &m.Name, m, names)
		k.checkInstance(called("metric", m.Name), m.Instance, &m.Instance)
		for _, f := range []struct {
			key string
			ptr *string
		}{{"url", &m.URL}, {"query", &m.Query}} {
			if *f.ptr == "" && !k.bad[f.ptr] && !k.set(f.ptr) {
				k.problem(k.where(&m.Name, m), "%s has no %s", called("metric", m.Name), f.key)
			}
		}
		if k.set(&m.Token) && k.set(&m.User) {
			k.problem(k.where(&m.Token), "%s has both user and token, wanted one of them", called("metric", m.Name))
		}
		k.checkJudging(m)
	}
}

// checkJudging checks that a metric is either compared or changes, and by what fits
// its type.
func (k *checker) checkJudging(m *Metric) {
	who := called("metric", m.Name)
	switch {
	case k.set(&m.Change) && k.set(&m.Compare):
		k.problem(k.where(&m.Compare), "%s has both compare and change, wanted one of them", who)
	case !m.Change && !k.set(&m.Compare):
		k.problem(k.where(&m.Name, m), "%s has neither compare nor change: true, wanted one of them", who)
	case m.Change && k.set(&m.Until):
		k.problem(k.where(&m.Until), "%s has until without compare, which it ends", who)
	case m.Change && m.Absent == "ok":
		k.problem(k.where(&m.Absent), "%s has absent: ok without compare; a value that is not there is no change", who)
	}
	for _, ptr := range []*string{&m.Compare, &m.Until} {
		if !k.set(ptr) || !comparisonPattern.MatchString(*ptr) {
			continue // said already
		}
		if fault := comparisonFault(*ptr, m.Type == "string"); fault != "" {
			k.problem(k.where(ptr), "%s", fault)
		}
	}
	if k.set(&m.Range) && m.Type == "string" {
		k.problem(k.where(&m.Range), "%s has a range, but its type is string", who)
	}
}

// comparisonFault says why a comparison does not fit the type, "" for nothing.
func comparisonFault(s string, text bool) string {
	if !text {
		if !numericPattern.MatchString(s) {
			return quoted(s) + " does not compare with a number, as > 30 does; for text set type: string"
		}
		return ""
	}
	if match := matchPattern.FindStringSubmatch(s); match != nil {
		if _, err := regexp.Compile(match[1]); err != nil {
			return "the regular expression does not compile: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		}
		return ""
	}
	if !textualPattern.MatchString(s) {
		return quoted(s) + " does not compare text, as == yes and =~ ^10[.]11 do"
	}
	return ""
}

// checkInstance checks that the cluster has the instance that something names.
func (k *checker) checkInstance(who, name string, ptr any) {
	if name != "" && !slices.Contains(k.instances, name) {
		k.problem(k.where(ptr), "%s names the instance %s, which the cluster %s does not have%s",
			who, quoted(name), quoted(k.cluster.Name), k.choices(name, k.instances))
	}
}

// checkUnits checks the units that are watched.
func (k *checker) checkUnits() {
	u := k.cluster.Units
	if u == nil || k.bad[u] {
		return
	}
	for i := range u.Watch {
		w := &u.Watch[i]
		if k.bad[w] {
			continue
		}
		if w.Unit == "" && !k.set(&w.Unit) {
			k.problem(k.where(w), "what is to be watched here has no unit")
		}
		for j := range w.Instances {
			k.checkInstance("the unit "+quoted(w.Unit), w.Instances[j], &w.Instances[j])
		}
	}
}

// checkHost checks which machines and mount points are watched.
func (k *checker) checkHost() {
	h := k.cluster.Host
	if h == nil || k.bad[h] {
		return
	}
	for i := range h.Instances {
		k.checkInstance("host", h.Instances[i], &h.Instances[i])
	}
	paths := map[string]place{}
	for i := range h.Mounts {
		m := &h.Mounts[i]
		if k.bad[m] {
			continue
		}
		at := k.where(&m.Path, m)
		if m.Path == "" && !k.set(&m.Path) {
			k.problem(at, "this mount point has no path")
		}
		if first, twice := paths[m.Path]; twice && m.Path != "" {
			k.problem(at, "the mount point %s stands here twice; the first is at line %d", quoted(m.Path), first.line)
		}
		paths[m.Path] = at
	}
}

// watchFault says what is wrong with a text that tells a watcher what to look for, ""
// for nothing.
func watchFault(check, s string) string {
	switch check {
	case "url":
		if !urlPattern.MatchString(s) {
			return "this is not a URL such as http://127.0.0.1:9090; a user and a password have keys of their own"
		}
	case "label":
		if !labelPattern.MatchString(s) {
			return quoted(s) + " is not the name of a label"
		}
	case "comparison":
		if !comparisonPattern.MatchString(s) {
			return quoted(s) + " is not a comparison such as > 30, == yes or =~ ^10[.]11"
		}
	case "range":
		low, high, _ := strings.Cut(s, "..")
		if !rangePattern.MatchString(s) || s == ".." || low != "" && high != "" && decimal(low) > decimal(high) {
			return quoted(s) + " is not a range such as 0..100 or 0.."
		}
	case "limits":
		warning, critical, _ := strings.Cut(s, "/")
		if !limitsPattern.MatchString(s) || atoi(warning) > atoi(critical) {
			return quoted(s) + " are not limits such as 85/95, for warning and critical in percent, or none"
		}
	case "mountpoint":
		if !strings.HasPrefix(s, "/") || s != "/" && strings.HasSuffix(s, "/") {
			return quoted(s) + " is not a mount point such as /var/lib/mysql; it begins with / and does not end so"
		}
	}
	return ""
}

// decimal reads a number that rangePattern has taken.
func decimal(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}
