package lab

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// tool runs a program of the host with input on its standard input and returns what
// it printed. The error holds the first line of the program's complaint.
func tool(ctx context.Context, input, name string, args ...string) ([]byte, error) {
	// A tool that outlived us would still build while another process takes down. The
	// signal comes when the starting thread ends, so that one must stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &complaint
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		return nil, fmt.Errorf("cannot run %s %s: %w: %s", name, strings.Join(args, " "), err, line)
	}
	return out.Bytes(), nil
}

// quote makes one word of a shell command out of any text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
