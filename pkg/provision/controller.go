package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Controller is clmgr itself on a machine, which looks after that machine alone.
type Controller struct {
	Machine  string             // its name
	Programs map[string]Program // by what "uname -m" says of machines that they are for
	Config   string             // the text of its configuration, which only root may read
	Unit     string             // the text of its unit file
}

// Program is a program of this host, to be copied.
type Program struct {
	Path string
	// Sum gives its SHA-256 in hexadecimal.
	Sum func() (string, error)
}

// ProgramAt is the program in a file.
func ProgramAt(path string) Program {
	return Program{Path: path, Sum: func() (string, error) {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("cannot read the program: %w", err)
		}
		defer file.Close()
		h := sha256.New()
		if _, err := io.Copy(h, file); err != nil {
			return "", fmt.Errorf("cannot read the program: %w", err)
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	}}
}

// Where the parts of a controller are. They are others than those of a manager, which may
// run on the same machine.
const (
	ControllerProgram = "/usr/local/lib/clmgr/clmgr"
	ControllerConfig  = "/etc/clmgr/node.yaml"
	ControllerState   = "/var/lib/clmgr-node"
	ControllerUnit    = controllerName + ".service"
	controllerName    = "clmgr-node"
	controllerFile    = "/etc/systemd/system/" + ControllerUnit
)

// controllerSeen is what a look at a machine shows.
type controllerSeen struct {
	kind  string            // what "uname -m" says
	sums  map[string]string // of the three files, of those that exist
	state unitSeen
}

func (c Controller) what() string { return "clmgr on " + c.Machine }

func (c Controller) question() (question, error) {
	return question{units: []string{controllerName}, files: []string{ControllerProgram, ControllerConfig, controllerFile}, script: "uname -m\n"}, nil
}

func (c Controller) seen(r reply) controllerSeen {
	return controllerSeen{strings.TrimSpace(r.out), r.sums, r.units[controllerName]}
}

func (c Controller) look(ctx context.Context, m job.Machine) (controllerSeen, error) {
	r, err := askOne(ctx, m, c)
	return c.seen(r), err
}

// program is the one for machines of a kind.
func (c Controller) program(kind string) (p Program, digest string, err error) {
	p, ok := c.Programs[kind]
	if !ok {
		return p, "", &Unwilling{fmt.Sprintf("cannot put clmgr on %s: it is a %s, and there is a program for %s only",
			c.Machine, kind, strings.Join(slices.Sorted(maps.Keys(c.Programs)), ", "))}
	}
	digest, err = p.Sum()
	return p, digest, err
}

// missing says in one line what differs on the machine; empty for nothing.
func (c Controller) missing(r reply) (string, error) {
	seen := c.seen(r)
	_, digest, err := c.program(seen.kind)
	if err != nil {
		return "", err
	}
	return c.differs(seen, digest), nil
}

func (c Controller) differs(seen controllerSeen, digest string) string {
	switch {
	case seen.sums[ControllerProgram] == "":
		return "clmgr is not there"
	case seen.sums[ControllerProgram] != digest:
		return "clmgr is another one there"
	case seen.sums[ControllerConfig] != sum(c.Config):
		return ControllerConfig + " is not as configured"
	case seen.sums[controllerFile] != sum(c.Unit):
		return controllerFile + " is not as configured"
	case !seen.state.active || !seen.state.enabled:
		return ControllerUnit + " does not run"
	}
	return ""
}

// Install brings there what differs. A program takes its place once it has arrived whole
// and has run there, a configuration once that program takes it.
func (c Controller) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	seen, err := c.look(ctx, m)
	if err != nil {
		return false, err
	}
	p, digest, err := c.program(seen.kind)
	if err != nil || c.differs(seen, digest) == "" {
		return false, err
	}
	if seen.sums[ControllerProgram] != digest {
		if err := c.upload(ctx, m, p, digest); err != nil {
			return true, fmt.Errorf("cannot put clmgr on %s: %w", c.Machine, err)
		}
	}
	if _, err := run(ctx, m, alone+controllerConfigure, strings.NewReader(c.Config)); err != nil {
		return true, fmt.Errorf("cannot configure clmgr on %s: %w", c.Machine, err)
	}
	if _, err := run(ctx, m, alone+controllerStart, strings.NewReader(c.Unit)); err != nil {
		return true, fmt.Errorf("cannot start clmgr on %s: %w", c.Machine, err)
	}
	if seen, err = c.look(ctx, m); err != nil {
		return true, err
	}
	if left := c.differs(seen, digest); left != "" {
		return true, fmt.Errorf("cannot put clmgr on %s: afterwards %s", c.Machine, left)
	}
	return true, nil
}

// controllerConfigure takes the configuration from its input.
const controllerConfigure = `set -e; umask 077; mkdir -p -m 755 /etc/clmgr; mkdir -p ` + ControllerState + `
f=` + ControllerConfig + `; trap 'rm -f "$f.new"' EXIT
cat >"$f.new"; sync "$f.new"
` + ControllerProgram + ` --config "$f.new" config check >/dev/null
mv -f "$f.new" "$f"
`

// controllerStart takes the unit file from its input. It ends when the unit says that it
// is ready.
const controllerStart = `set -e; umask 022; f=` + controllerFile + `; trap 'rm -f "$f.new"' EXIT
cat >"$f.new"; sync "$f.new"; mv -f "$f.new" "$f"
systemctl daemon-reload; systemctl -q is-enabled ` + ControllerUnit + ` || systemctl -q enable ` + ControllerUnit + `
systemctl restart ` + ControllerUnit + ` || { journalctl -u ` + ControllerUnit + ` -n 5 -o cat >&2; exit 1; }
`

// upload brings the program there.
func (c Controller) upload(ctx context.Context, m job.Machine, p Program, digest string) error {
	file, err := os.Open(p.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = run(ctx, m, alone+fmt.Sprintf(`set -e; umask 022; f=%s; mkdir -p "${f%%/*}"; trap 'rm -f "$f.new"' EXIT
cat >"$f.new"; set -- $(sha256sum "$f.new")
[ "$1" = %s ] || { echo "it did not arrive as it was sent" >&2; exit 1; }
chmod 755 "$f.new"; "$f.new" version >/dev/null; sync "$f.new"; mv -f "$f.new" "$f"
`, ControllerProgram, digest), file)
	return err
}
