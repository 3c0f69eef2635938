package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// cleanLimit bounds removing what a failed upload has left.
const cleanLimit = 5 * time.Second

// Upload writes a file on the machine, whole or not at all: to a new file in the
// same folder, with its final permissions before any content, on disk before it
// takes the place of the old one. path is absolute; of mode the permission bits
// count. The file belongs to the login user. A failure may leave a file named
// .NAME.clmgr-* behind where the machine dies or cannot be reached any more.
func (h *Host) Upload(ctx context.Context, target string, mode os.FileMode, r io.Reader) error {
	if !path.IsAbs(target) || strings.HasSuffix(target, "/") || strings.ContainsRune(target, 0) {
		return fmt.Errorf("cannot upload to %q: not an absolute path of a file", target)
	}
	if mode.Perm() != mode {
		return fmt.Errorf("cannot upload to %s: mode %s has more than permissions", target, mode)
	}
	temp := path.Join(path.Dir(target), "."+path.Base(target)+".clmgr-"+strings.ToLower(rand.Text()[:10]))
	err := h.uploadTo(ctx, temp, target, mode, r)
	if err != nil {
		h.removeTemp(ctx, temp)
		return fmt.Errorf("cannot upload to %s: %w", target, err)
	}
	return nil
}

// uploadTo takes two commands. When the connection breaks, the first sees the same
// end of input as when all has come; so the file is put in place by the second,
// once we know that it has the size we sent. When we are gone, telling the size
// fails and the first removes what it wrote, at whatever time it comes to that.
func (h *Host) uploadTo(ctx context.Context, temp, target string, mode os.FileMode, r io.Reader) error {
	counted := &counter{from: r}
	out, err := h.Run(ctx, script(
		`set -eC; umask 077; exec 3>"$1"; trap 'rm -f "$1"' EXIT; chmod "$2" "$1"; cat >&3; exec 3>&-
sync "$1" || sync; wc -c <"$1"; trap - EXIT`,
		temp, fmt.Sprintf("%04o", mode.Perm()),
	), counted)
	if err := failed(out, err); err != nil {
		return err
	}
	size, err := strconv.ParseInt(strings.TrimSpace(string(out.Stdout)), 10, 64)
	if err != nil {
		return fmt.Errorf("cannot tell how much has arrived: %w", err)
	}
	if size != counted.n {
		return fmt.Errorf("%d bytes of %d arrived: %w", size, counted.n, io.ErrUnexpectedEOF)
	}
	out, err = h.Run(ctx, script(`set -e; mv -fT "$1" "$2"; sync "$(dirname "$2")" || sync`, temp, target), nil)
	return failed(out, err)
}

// removeTemp cleans up, also after an interruption.
func (h *Host) removeTemp(ctx context.Context, temp string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanLimit)
	defer cancel()
	// The first failure is the one to report.
	_, _ = h.Run(ctx, script(`rm -f "$1"`, temp), nil)
}

// script is a command that runs a POSIX shell script with arguments, whatever the
// login shell is.
func script(text string, args ...string) string {
	words := []string{"exec", "sh", "-c", quote(text), "sh"}
	for _, a := range args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

// quote makes one word for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }

// failed makes an error of a command that did not succeed.
func failed(out Output, err error) error {
	if err == nil && out.Exit != 0 {
		err = errors.New(first(oneLine(string(out.Stderr)), "exit status "+strconv.Itoa(out.Exit)))
	}
	if err != nil && strings.Contains(err.Error(), "Permission denied") {
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return err
}

// counter counts what was read.
type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}
