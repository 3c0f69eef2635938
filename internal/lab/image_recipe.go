package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sshdSettings let many logins come at once from one address, as a manager's do.
const sshdSettings = "MaxStartups 100:30:200\nUseDNS no\n"

// keyring is where Debian's keys are, on Debian and on Ubuntu.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// recipe is all that decides what is in an image; its hash names the directory.
type recipe struct {
	Suite, Settings string
	Packages, Hooks []string
}

func (i Image) recipe() (recipe, error) {
	if !slices.Contains([]string{"bookworm", "trixie", "sid"}, i.Suite) {
		return recipe{}, fmt.Errorf("no such suite: %q (bookworm, trixie or sid)", i.Suite)
	}
	r := recipe{Suite: i.Suite, Settings: sshdSettings}
	if i.Suite != "bookworm" {
		// Newer servers shut out an address after failed logins, which tests make on purpose.
		r.Settings += "PerSourcePenalties no\n"
	}
	r.Packages = append([]string{
		"systemd-sysv", "dbus", "iproute2", "openssh-server", "procps", "ca-certificates",
	}, i.Packages...)
	r.Hooks = []string{
		// What must be each machine's own is made when the machine is.
		`rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/lib/mysql/auto.cnf; : >"$1"/etc/machine-id`,
		`chroot "$1" useradd --create-home --shell /bin/sh --uid 1000 clmgr`,
		`rm -f "$1"/root/.bashrc "$1"/root/.profile`,
		`systemctl --root="$1" mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer`,
		// What looks for disks, keys and a kernel's arguments finds none in a container, at
		// half the price of each daemon-reload.
		`cd "$1"/lib/systemd/system-generators; mkdir -p "$1"/etc/systemd/system-generators; for g in *; do case $g in *sysv*) ;; *) ln -s /dev/null "$1"/etc/systemd/system-generators/$g;; esac; done`,
	}
	if len(i.Disabled) > 0 {
		r.Hooks = append(r.Hooks, `systemctl --root="$1" disable `+strings.Join(i.Disabled, " "))
	}
	r.Hooks = append(r.Hooks, `printf '%s' `+quote(r.Settings)+` >"$1"/etc/ssh/sshd_config.d/lab.conf`)
	return r, nil
}

// mmdebstrap makes a tree at target as the recipe says. It holds the lock itself too: if
// we are killed the next builder waits until it is gone, and it goes at once.
func mmdebstrap(ctx context.Context, r recipe, target string, lock *os.File, progress io.Writer) error {
	cmd := exec.CommandContext(ctx, "mmdebstrap", r.arguments(ctx, target)...)
	// It has folders of its own to clean up: ask first, and only then insist.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread() // whose end would give the signal
	defer runtime.UnlockOSThread()
	complaints, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	last := follow(complaints, progress)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("mmdebstrap: %w: %s", err, last)
	}
	return nil
}

func (r recipe) arguments(ctx context.Context, target string) []string {
	args := []string{"--variant=minbase", "--mode=root", "--include=" + strings.Join(r.Packages, ",")}
	if exists(keyring) {
		args = append(args, "--keyring="+keyring)
	}
	for _, option := range aptOptions(ctx) {
		args = append(args, "--aptopt="+option)
	}
	for _, hook := range r.Hooks {
		args = append(args, "--customize-hook="+hook)
	}
	args = append(args, r.Suite, target)
	return append(args, sources(r.Suite)...)
}

// follow passes mmdebstrap's steps on and returns its first error, or last line.
func follow(from io.Reader, progress io.Writer) string {
	var last, failure string
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		last = lines.Text()
		if text, ok := strings.CutPrefix(last, "I: "); ok && !strings.Contains(text, "hook") {
			step(progress, "  %s", text)
		}
		if strings.HasPrefix(last, "E: ") && failure == "" {
			failure = last
		}
	}
	if failure != "" {
		return failure
	}
	return last
}
