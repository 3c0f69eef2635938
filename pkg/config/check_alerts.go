package config

import (
	"path/filepath"
	"slices"

	"github.com/clmgr/clmgr/pkg/secret"
)

// checkAlerts checks what is said of alerts: where they go, and which go where. It
// fills in the defaults, which count as well.
func (d *decoder) checkAlerts(a *Alerts) {
	d.defaults(a)
	if a.LongestDelay > 0 && a.FirstDelay > a.LongestDelay {
		d.problem(d.where(&a.FirstDelay, &a.LongestDelay), "first_delay is %s, longer than longest_delay, %s",
			formatDuration(a.FirstDelay), formatDuration(a.LongestDelay))
	}
	var names []string
	for i := range a.Places {
		p := &a.Places[i]
		names = append(names, p.Name)
		if !d.bad[p] {
			d.checkPlace(p)
		}
	}
	for i := range a.Routes {
		if r := &a.Routes[i]; !d.bad[r] {
			d.checkRoute(r, names)
		}
	}
}

func (d *decoder) checkPlace(p *AlertPlace) {
	at := d.where(&p.Name)
	given := 0
	for _, there := range []bool{d.set(&p.URL), d.set(&p.Webhook), d.set(&p.Program)} {
		if there {
			given++
		}
	}
	if given != 1 {
		d.problem(at, "the place %s has %d of url, webhook and program, wanted exactly one", quoted(p.Name), given)
		return
	}
	d.checkURL(p.Name, &p.URL, d.known.AlertURL)
	if w := p.Webhook; w != nil && !d.bad[w] {
		if !d.set(&w.URL) {
			d.problem(at, "the webhook of the place %s has no url", quoted(p.Name))
		}
		d.checkURL(p.Name, &w.URL, d.known.WebhookURL)
	}
	if d.set(&p.Program) && !d.bad[&p.Program] && (len(p.Program) == 0 || !filepath.IsAbs(p.Program[0])) {
		d.problem(d.where(&p.Program), "the program of the place %s must be a list that begins with an absolute path", quoted(p.Name))
	}
}

// checkURL asks who knows about such URLs. What it says of one has no secret in it.
func (d *decoder) checkURL(name string, url *secret.Value, check func(string) error) {
	if check == nil || url.Empty() || d.bad[url] {
		return
	}
	if err := check(url.Reveal()); err != nil {
		d.problem(d.where(url), "the url of the place %s cannot be used: %v", quoted(name), err)
	}
}

func (d *decoder) checkRoute(r *AlertRoute, names []string) {
	if len(r.To) == 0 && !d.bad[&r.To] {
		d.problem(d.where(&r.To, r), "the route leads to no place: to, a list of names of places, is wanted")
	}
	for i := range r.To {
		if to := &r.To[i]; !d.bad[to] && *to != "" && !slices.Contains(names, *to) {
			d.problem(d.where(to), "there is no place %s%s", quoted(*to), d.choices(*to, names))
		}
	}
	for _, text := range []*string{&r.Title, &r.Text} {
		if d.known.Template == nil || *text == "" || d.bad[text] {
			continue
		}
		if err := d.known.Template(*text); err != nil {
			d.problem(d.where(text), "%v", err)
		}
	}
}
