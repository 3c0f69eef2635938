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
// the version is pinned; a "*" at its end stands for any end of it. They come from the repositories that the machine knows, by apt
// or, where there is none, by dnf (which no test here has tried).
type Packages []string

var packagePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]*(=[A-Za-z0-9][A-Za-z0-9.+~:_-]*\*?)?$`)

// lockPatience is how many seconds another program may hold the package database.
const lockPatience = 120

func (p Packages) what() string { return "the packages" }

func (p Packages) question() (question, error) {
	return question{packages: p.names()}, p.check()
}

// packagesScript prints a line "installed NAME=VERSION" for each that is. dpkg-query and
// rpm fail where one of the names is unknown; what they print counts.
func packagesScript(names []string) string {
	return fmt.Sprintf(`if command -v dpkg-query >/dev/null; then
dpkg-query -W -f '${db:Status-Status} ${Package}=${Version}\n' %[1]s 2>/dev/null || true
elif command -v rpm >/dev/null; then
rpm -q --qf 'installed %%{NAME}=%%{VERSION}-%%{RELEASE}\n' %[1]s 2>/dev/null || true
else echo no package database; false; fi
`, strings.Join(names, " "))
}

func (p Packages) missing(r reply) (string, error) { //nolint:unparam // a Part's
	if missing := p.not(r.packages); len(missing) > 0 {
		return "not installed: " + strings.Join(missing, ", "), nil
	}
	return "", nil
}

// not returns those that are not among the installed ones, or not in their version.
func (p Packages) not(installed []string) Packages {
	there := map[string]string{} // versions by name
	for _, entry := range installed {
		name, version, _ := strings.Cut(entry, "=")
		there[name] = version
	}
	var missing Packages
	for _, want := range p {
		name, version, pinned := strings.Cut(want, "=")
		if is, known := there[name]; !known || pinned && !versionFits(version, is) {
			missing = append(missing, want)
		}
	}
	return missing
}

// versionFits tells whether a version is the pinned one.
func versionFits(pinned, version string) bool {
	if begin, open := strings.CutSuffix(pinned, "*"); open {
		return strings.HasPrefix(version, begin)
	}
	return version == pinned
}

// Install installs what is missing, as the job j. What the packages bring is not started:
// it is not configured yet. A package database that somebody else holds is waited for.
func (p Packages) Install(ctx context.Context, m job.Machine, j job.Job) (changed bool, err error) {
	return Binaries{Packages: p}.Install(ctx, m, j)
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

func (p Packages) check() error {
	for _, s := range p {
		if !packagePattern.MatchString(s) {
			return fmt.Errorf("%q is not a package", s)
		}
	}
	return nil
}

// names are the packages without versions.
func (p Packages) names() []string {
	var out []string
	for _, s := range p {
		name, _, _ := strings.Cut(s, "=")
		out = append(out, name)
	}
	return out
}

// script installs all of p. Lists of packages are fetched where there are none, and once
// more where they do not have what is wanted. policy-rc.d is Debian's way to say that a
// package must start nothing: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
// Ours says so only while this script runs, which a kill may keep from removing it.
func (p Packages) script() string {
	apt, dnf := make([]string, len(p)), make([]string, len(p))
	for n, s := range p {
		apt[n], dnf[n] = quoted(s), quoted(strings.Replace(s, "=", "-", 1))
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
set -- /var/lib/apt/lists/*_Packages*
if ! [ -e "$1" ] || ! apt-get -q -s install --no-install-recommends --allow-downgrades %[1]s >/dev/null 2>&1; then apt update; fi
install
`, strings.Join(apt, " "), strings.Join(dnf, " "), lockPatience)
}
