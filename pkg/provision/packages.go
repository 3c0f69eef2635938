package provision

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Packages are what must be installed on a machine, each "name", or "name=version" where
// the version is pinned. They come from the repositories that the machine knows, by apt
// or, where there is none, by dnf (which no test here has tried).
type Packages []string

var packagePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]*(=[A-Za-z0-9][A-Za-z0-9.+~:_-]*)?$`)

// lockPatience is how many seconds another program may hold the package database.
const lockPatience = 120

// Missing returns those that are not installed, or not in their version.
func (p Packages) Missing(ctx context.Context, m job.Machine) ([]string, error) {
	missing, err := p.missing(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the packages: %w", err)
	}
	return missing, nil
}

func (p Packages) missing(ctx context.Context, m job.Machine) ([]string, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	// dpkg-query and rpm fail where one of the names is unknown; what they print counts.
	out, err := run(ctx, m, `if command -v dpkg-query >/dev/null; then
dpkg-query -W -f '${db:Status-Status} ${Package}=${Version}\n' `+p.names()+` 2>/dev/null
elif command -v rpm >/dev/null; then
rpm -q --qf 'installed %{NAME}=%{VERSION}-%{RELEASE}\n' `+p.names()+` 2>/dev/null
else echo no package database >&2; exit 9; fi
true`, nil)
	if err != nil {
		return nil, err
	}
	installed := map[string]bool{}
	for line := range strings.Lines(out) {
		if entry, is := strings.CutPrefix(strings.TrimSpace(line), "installed "); is {
			name, _, _ := strings.Cut(entry, "=")
			installed[entry], installed[name] = true, true
		}
	}
	var missing []string
	for _, want := range p {
		if !installed[want] {
			missing = append(missing, want)
		}
	}
	return missing, nil
}

// Install installs what is missing, as the job j. What the packages bring is not started:
// it is not configured yet. A package database that somebody else holds is waited for.
func (p Packages) Install(ctx context.Context, m job.Machine, j job.Job) (changed bool, err error) {
	missing, err := p.missing(ctx, m)
	if err != nil {
		return false, wrapPackages(p, err)
	}
	if len(missing) == 0 {
		// Who has installed them may have been killed before it cleared its job away, which
		// may still be at its last words.
		if err := job.Discard(ctx, m, j); errors.As(err, new(*job.Running)) {
			return false, wrapPackages(p, err)
		}
		return false, nil
	}
	j.Command = Packages(missing).script()
	r, err := job.Run(ctx, m, j)
	if err != nil {
		return false, wrapPackages(missing, err)
	}
	if r.Err() != nil {
		return false, wrapPackages(missing, failure(r))
	}
	if missing, err = p.missing(ctx, m); err != nil {
		return false, wrapPackages(p, err)
	}
	if len(missing) == 0 {
		_ = job.Discard(ctx, m, j) // what cannot be cleared now only takes room on the machine
		return true, nil
	}
	// An earlier try of this epoch installed them, and somebody has removed them since.
	if err := job.Discard(ctx, m, j); err != nil {
		return false, wrapPackages(missing, err)
	}
	return false, wrapPackages(missing, errors.New("the package manager ended well, and they are not installed"))
}

// failure is why the package manager failed: apt marks its errors, of others the last
// words tell most.
func failure(r job.Result) error {
	var marked []string
	for line := range strings.Lines(r.Output) {
		if strings.HasPrefix(line, "E: ") {
			marked = append(marked, strings.TrimSpace(line))
		}
	}
	words := r.Output
	if len(marked) > 0 {
		words = strings.Join(marked, "; ")
	}
	end := "it ended by " + r.Outcome
	if r.Outcome == "exit-code" {
		end = fmt.Sprintf("exit status %d", r.Exit)
	}
	return errors.New(strings.TrimSuffix(end+": "+lastWords(words), ": "))
}

func wrapPackages(p Packages, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot install %s: %w", strings.Join(p, " "), err)
}

func (p Packages) check() error {
	for _, s := range p {
		if !packagePattern.MatchString(s) {
			return fmt.Errorf("%q is not a package", s)
		}
	}
	return nil
}

// names are the packages without versions, as words for a shell.
func (p Packages) names() string {
	var out []string
	for _, s := range p {
		name, _, _ := strings.Cut(s, "=")
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// script installs all of p. Lists of packages are fetched where there are none, and once
// more where they do not have what is wanted. policy-rc.d is Debian's way to say that a
// package must start nothing: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
// Ours says so only while this script runs, which a kill may keep from removing it.
func (p Packages) script() string {
	dnf := make([]string, len(p))
	for n, s := range p {
		dnf[n] = strings.Replace(s, "=", "-", 1)
	}
	return fmt.Sprintf(`set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
if ! command -v apt-get >/dev/null; then exec dnf -y install %[2]s; fi
policy=/usr/sbin/policy-rc.d
if ! [ -e $policy ] || grep -q 'Written by clmgr' $policy; then
	trap 'rm -f $policy' EXIT
	trap 'exit 143' TERM
	printf '#!/bin/sh\n# Written by clmgr while it installs packages.\nif grep -qsa clmgr- /proc/%%d/cmdline; then exit 101; fi\nexit 0\n' $$ >$policy.clmgr
	chmod 755 $policy.clmgr
	mv $policy.clmgr $policy
fi
apt() { apt-get -q -o DPkg::Lock::Timeout=%[3]d -o Dpkg::Options::=--force-confold "$@"; }
install() { apt install -y --no-install-recommends --allow-downgrades %[1]s; }
if [ -n "$(dpkg --audit)" ]; then dpkg --configure -a; fi
if ! apt-get -q -s install --no-install-recommends --allow-downgrades %[1]s >/dev/null 2>&1; then apt update; fi
install
`, strings.Join(p, " "), strings.Join(dnf, " "), lockPatience)
}
