package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote"
)

// becomeRoot runs a script from standard input as root.
const becomeRoot = `sh -c 'if [ "$(id -u)" = 0 ]; then exec sh; fi
command -v sudo >/dev/null || { echo "sudo: not installed" >&2; exit 1; }
exec sudo -n sh'`

// Root runs a POSIX shell script on the machine as root: by sudo where the login is
// another user's. The script goes by standard input, so that it may hold what no
// argument may; a script that arrives cut off is not run at all. It has no input.
func Root(ctx context.Context, host Machine, script string) (remote.Output, error) {
	// The shell reads a group to its end before it runs any of it.
	whole := "{ exec </dev/null\n" + script + "\nexit\n}\n"
	out, err := host.Run(ctx, becomeRoot, strings.NewReader(whole))
	if err != nil {
		return out, err
	}
	complaint := bytes.TrimSpace(out.Stderr)
	complaint = complaint[bytes.LastIndexByte(complaint, '\n')+1:]
	if out.Exit != 0 && len(out.Stdout) == 0 && bytes.HasPrefix(complaint, []byte("sudo:")) {
		return out, fmt.Errorf("cannot become root: %w (log in as root, or allow the user sudo without a password)",
			errors.New(string(complaint)))
	}
	return out, nil
}

// quote makes one word for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
