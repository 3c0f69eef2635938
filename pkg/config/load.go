package config

import (
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Known is what the program has built in.
type Known struct {
	Modes   map[string]ModeInfo // by name
	Drivers []string            // of clouds, as the file writes them
	Kinds   []string            // types of events that rules hear of
	Verbs   []string            // commands that rules may give, each LEVEL ACTION
	// AlertURL, WebhookURL and Template say what is wrong with a value of the alerts,
	// without showing a secret; nil where nobody knows.
	AlertURL, WebhookURL, Template func(string) error
}

// ModeInfo is what the configuration needs to know of a built-in mode.
type ModeInfo struct {
	Type   string // db, nosql, proxy, lb, bench or other
	Port   uint16 // of its services by default; 0 for none
	NoPort bool   // its services need none
	Roles  bool   // its services tell their role themselves
	Unit   string // the systemd unit of its services by default; "" for none
	// Packages are those a service of the mode needs by default.
	Packages []string
	// VIP and Stats say that the keys of that name mean something to it.
	VIP, Stats bool
	// Several says that a machine may have several managed services of it, which are instances
	// of its unit then.
	Several bool
}

// largest is the size in bytes of the largest file that is read.
const largest = 16 << 20

// Load reads the file at path. Mistakes in it come as Errors, all of them; any
// other error says why it could not be read. A password that stands in a file
// which everybody may read is a warning.
func Load(path string, known Known) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read configuration: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read configuration: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read configuration: %w", err)
	}
	everybody := info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0
	return parse(path, data, known, everybody)
}

// Parse is Load of data that was read from the file called name. Relative paths
// start at the folder of name, which need not exist.
func Parse(name string, data []byte, known Known) (*Config, error) {
	return parse(name, data, known, false)
}

func parse(name string, data []byte, known Known, everybody bool) (*Config, error) {
	r := &report{file: name}
	if len(data) > largest {
		r.problem(place{}, "the file is larger than %s", formatSize(largest))
		return nil, r.err()
	}
	doc := parseSyntax(data, r)
	if doc == nil {
		return nil, r.err()
	}
	if doc.root == nil {
		r.problem(place{}, "the file is empty; `clmgr config init` writes one to start from")
		return nil, r.err()
	}
	d := &decoder{
		report: r, doc: doc, known: known, rules: rules{}, paths: newPaths(name),
		at: map[any]place{}, bad: map[any]bool{},
	}
	var c Config
	d.value(doc.root, reflect.ValueOf(&c).Elem(), &rule{})
	if !d.bad[&c] {
		d.check(&c)
	}
	// An alias may have brought a password to a key whose value is quoted.
	r.mask(secret.NewMasker(c.Secrets()...))
	if err := r.err(); err != nil {
		return nil, err
	}
	d.fill(&c)
	if err := r.err(); err != nil {
		return nil, err
	}
	if everybody {
		for _, at := range d.clear {
			d.warning(at, "the password stands in a file that everybody on this machine may read; run: chmod o-r %s", shellQuoted(name))
		}
	}
	c.Warnings = tidied(r.warnings)
	return &c, nil
}

// modeNames returns the built-in modes and those of the file, sorted.
func (d *decoder) modeNames(c *Config) []string {
	names := slices.Collect(maps.Keys(d.known.Modes))
	for i := range c.Modes {
		names = append(names, c.Modes[i].Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
