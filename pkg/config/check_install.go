package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/clmgr/clmgr/pkg/template"
)

// checkRepositories reads the keys that lie on the manager.
func (d *decoder) checkRepositories(c *Config) {
	for i := range c.Repositories {
		r := &c.Repositories[i]
		if d.bad[r] {
			continue
		}
		name := called("repository", r.Name)
		at := d.where(&r.Name)
		for _, key := range []struct {
			name string
			ptr  any
		}{{"url", &r.URL}, {"suite", &r.Suite}, {"key_sha256", &r.KeySHA256}} {
			if !d.set(key.ptr) {
				d.problem(at, "%s has no %s", name, key.name)
			}
		}
		if !d.one(at, name, "key", &r.Key, "key_url", &r.KeyURL) || !d.set(&r.Key) || !d.set(&r.KeySHA256) {
			continue
		}
		text, err := readText(r.Key)
		if err != nil {
			d.problem(d.where(&r.Key), "cannot read the key of %s: %v", name, err)
			continue
		}
		if s := sha256.Sum256(text); hex.EncodeToString(s[:]) != r.KeySHA256 {
			d.problem(d.where(&r.KeySHA256), "the key of %s has the SHA-256 %s, wanted the one that is given here", name, hex.EncodeToString(s[:]))
		}
		r.KeyText = text
	}
}

// one wants exactly one of two keys.
func (d *decoder) one(at place, what, first string, one any, second string, two any) bool {
	switch a, b := d.set(one), d.set(two); {
	case a && b:
		d.problem(d.where(two), "%s has both %s and %s, wanted one of them", what, first, second)
	case !a && !b:
		d.problem(at, "%s has neither %s nor %s, wanted one of them", what, first, second)
	default:
		return true
	}
	return false
}

// checkInstalled checks what a mode says of how its services are installed.
func (d *decoder) checkInstalled(m *Mode) {
	if m.Repository != "" && !slices.Contains(d.repositories, m.Repository) {
		d.problem(d.where(&m.Repository), "the mode %s has the unknown repository %s%s", quoted(m.Name), quoted(m.Repository), d.choices(m.Repository, d.repositories))
	}
	if a := m.Archive; a != nil && !d.bad[a] {
		at, name := d.where(&m.Archive), called("archive of the mode", m.Name)
		d.one(at, name, "file", &a.File, "url", &a.URL)
		if !d.set(&a.SHA256) || !d.set(&a.To) {
			d.problem(at, "%s needs sha256 and to, where it is unpacked", name)
		}
	}
	r := m.Recipe
	if r == nil || d.bad[r] {
		return
	}
	if d.set(&m.Start) {
		d.problem(d.where(&m.Recipe), "the mode %s has a recipe and is started by commands, wanted a unit", quoted(m.Name))
	}
	d.checkCommand(m, &r.Reload)
	d.checkCommand(m, &r.Serves)
	for i := range r.Install {
		s := &r.Install[i]
		if d.bad[s] {
			continue
		}
		at := d.where(s)
		if !d.set(&s.Run) {
			d.problem(at, "a step of the recipe of %s has no run, the line to run", quoted(m.Name))
		}
		d.one(at, "a step of the recipe of "+quoted(m.Name), "creates", &s.Creates, "unless", &s.Unless)
		d.checkCommand(m, &s.Run)
		d.checkCommand(m, &s.Unless)
	}
	d.checkFiles(m, r)
}

func (d *decoder) checkFiles(m *Mode, r *Recipe) {
	seen := map[string]bool{}
	for i := range r.Files {
		f := &r.Files[i]
		if d.bad[f] {
			continue
		}
		at, name := d.where(f), called("file", f.Path)
		if !d.set(&f.Path) {
			d.problem(at, "a file of the recipe of %s has no path", quoted(m.Name))
		} else if seen[f.Path] {
			d.problem(d.where(&f.Path), "the recipe of %s has %s twice", quoted(m.Name), name)
		}
		seen[f.Path] = true
		d.checkCommand(m, &f.Check)
		if !d.one(at, name, "template", &f.Template, "from", &f.From) {
			continue
		}
		if d.set(&f.From) {
			f.Template = d.template(f.From, d.where(&f.From))
		} else {
			d.parsed(f.Path, f.Template, d.where(&f.Template))
		}
	}
}

// checkCommand checks a command that is a template.
func (d *decoder) checkCommand(m *Mode, ptr *string) {
	if d.set(ptr) {
		d.parsed("the command of the mode "+m.Name, *ptr, d.where(ptr))
	}
}

// template reads a template from a file of the manager.
func (d *decoder) template(path string, at place) string {
	text, err := readText(path)
	if err != nil {
		d.problem(at, "cannot read template: %v", err)
		return ""
	}
	d.parsed(path, string(text), at)
	return string(text)
}

func (d *decoder) parsed(name, text string, at place) {
	if _, err := template.Parse(name, text); err != nil {
		d.problem(at, "%v", err)
	}
}

// largestText is the size in bytes of a template or a key.
const largestText = 1 << 20

func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestText+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > largestText:
		return nil, fmt.Errorf("%s is larger than %s", quoted(path), formatSize(largestText))
	case len(text) == 0:
		return nil, errors.New(quoted(path) + " is empty")
	}
	return text, nil
}

// templated are the modes whose configuration a template of the user's may take the place of.
func templated() []string { return []string{"haproxy", "keepalived", "memcache"} }

// checkOwn checks the keys of a service that change what clmgr lays out.
func (k *checker) checkOwn(s *Service) {
	if s.Repository != "" && !slices.Contains(k.repositories, s.Repository) {
		k.problem(k.where(&s.Repository), "%s has the unknown repository %s%s", called("service", s.Name), quoted(s.Repository), k.choices(s.Repository, k.repositories))
	}
	if k.set(&s.Settings) && (s.Mode != "mariadb") {
		k.problem(k.where(&s.Settings), "%s has settings, which are for a mariadb", called("service", s.Name))
	}
	if !k.set(&s.Template) {
		return
	}
	if !slices.Contains(templated(), s.Mode) {
		k.problem(k.where(&s.Template), "%s has a template, which is for haproxy, keepalived and memcache", called("service", s.Name))
		return
	}
	if s.Template != "" {
		s.Text = k.template(s.Template, k.where(&s.Template))
	}
}

// checkRecipe wants a unit for what is laid out by a recipe.
func (k *checker) checkRecipe(s *Service) {
	m := k.described[s.Mode]
	if m == nil || m.Recipe == nil || !s.Managed || k.set(&s.Unit) || k.set(&m.Unit) || k.known.Modes[s.Mode].Unit != "" {
		return
	}
	k.problem(k.where(&s.Managed, &s.Name), "%s is managed: its mode %s has a recipe and no unit, wanted one there or here", called("service", s.Name), quoted(s.Mode))
}
