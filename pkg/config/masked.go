package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Masked returns the configuration as YAML with every value filled in and every
// secret as "xxx". Keys stand in the order of the types, clusters and modes in
// that of the file; what is not configured and has no default is left out.
func (c *Config) Masked() ([]byte, error) {
	shown := *c
	shown.Store = maskStore(c.Store)
	tree := masker{rules{}}.mapping(reflect.ValueOf(shown))
	text, err := yaml.MarshalWithOptions(tree, yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("cannot show configuration: %w", err)
	}
	return text, nil
}

// Secrets returns every secret of the configuration, each once, in the order of
// the file; they are to be masked in text that comes from elsewhere.
func (c *Config) Secrets() []secret.Value {
	var all []secret.Value
	seen := map[secret.Value]bool{{}: true}
	add := func(v secret.Value) {
		if !seen[v] {
			seen[v] = true
			all = append(all, v)
		}
	}
	if u, err := url.Parse(c.Store); err == nil && u.User != nil {
		password, _ := u.User.Password()
		add(secret.New(password))
	}
	add(c.StoreKey)
	for i := range c.Alerts.Places {
		p := &c.Alerts.Places[i]
		add(p.URL)
		if p.Webhook != nil {
			add(p.Webhook.URL)
			add(p.Webhook.Key)
		}
	}
	for i := range c.Clusters {
		add(c.Clusters[i].Cloud.Password)
		add(c.Clusters[i].Database.Password)
		add(c.Clusters[i].Replication.Password)
		for j := range c.Clusters[i].Metrics {
			add(c.Clusters[i].Metrics[j].Password)
			add(c.Clusters[i].Metrics[j].Token)
		}
		for j := range c.Clusters[i].Services {
			add(c.Clusters[i].Services[j].Database.Password)
			add(c.Clusters[i].Services[j].Stats.Password)
		}
	}
	return all
}

// maskStore hides the password of a store's URL. A URL with an @ that cannot be
// read is not shown.
func maskStore(store string) string {
	if !strings.Contains(store, "@") {
		return store
	}
	u, err := url.Parse(store)
	if err != nil || u.User == nil {
		return secret.Mask
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), secret.Mask)
	}
	return u.String()
}

// masker makes of the types what the YAML encoder writes in order.
type masker struct{ rules rules }

func (m masker) mapping(v reflect.Value) yaml.MapSlice {
	tree := yaml.MapSlice{}
	for _, r := range m.rules.of(v.Type()).fields {
		f := v.Field(r.index)
		if f.IsZero() && f.Kind() != reflect.Bool {
			continue
		}
		if item := m.item(f, &r); item != nil {
			tree = append(tree, yaml.MapItem{Key: r.key, Value: item})
		}
	}
	return tree
}

// item returns what stands for a value, nil where there is nothing to show.
func (m masker) item(v reflect.Value, r *rule) any {
	switch x := v.Interface().(type) {
	case time.Duration:
		return formatDuration(x)
	case netip.Addr:
		return x.String()
	case secret.Value:
		return x.String()
	case int64:
		return formatSize(x)
	}
	switch v.Kind() {
	case reflect.Struct:
		if tree := m.mapping(v); len(tree) > 0 {
			return tree
		}
		return nil
	case reflect.Pointer:
		return m.mapping(v.Elem())
	case reflect.Slice:
		return m.list(v, r)
	case reflect.Map:
		tree := yaml.MapSlice{}
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
			tree = append(tree, yaml.MapItem{Key: key.String(), Value: v.MapIndex(key).String()})
		}
		return tree
	}
	return v.Interface()
}

func (m masker) list(v reflect.Value, r *rule) any {
	if r.keyed {
		name := m.rules.of(v.Type().Elem()).name
		tree := yaml.MapSlice{}
		for i := range v.Len() {
			item := v.Index(i)
			tree = append(tree, yaml.MapItem{Key: item.Field(name.index).String(), Value: m.mapping(item)})
		}
		return tree
	}
	items := make([]any, v.Len())
	for i := range items {
		items[i] = m.item(v.Index(i), r)
	}
	return items
}
