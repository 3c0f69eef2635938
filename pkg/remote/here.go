package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"syscall"
	"time"
)

// hereDelay is how long a command of this machine may take to end once its caller has
// gone, and how long what it has left behind may keep its outputs open.
const hereDelay = time.Second

// runHere executes a command of this machine as Run does one of another: by the shell,
// in an environment like that of a login, which holds nothing of this process.
func runHere(ctx context.Context, command string, stdin io.Reader) (Output, error) {
	var stdout capped
	out, err := shellHere(ctx, command, stdin, &stdout)
	out.Stdout = stdout.bytes()
	return out, err
}

// streamHere executes a command of this machine as Stream does one of another.
func streamHere(ctx context.Context, command string, stdout io.Writer) error {
	out, err := shellHere(ctx, command, nil, stdout)
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("cannot run a command here: exit status %d: %s", out.Exit, lastLine(out.Stderr))
	}
	return err
}

// shellHere executes a command of this machine; what it prints goes to stdout.
func shellHere(ctx context.Context, command string, stdin io.Reader, stdout io.Writer) (Output, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env, cmd.Dir = loginEnvironment()
	var stderr capped
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = hereDelay
	err := cmd.Run()
	out := Output{Stderr: stderr.bytes()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return out, fmt.Errorf("cannot run a command here: %w", ctx.Err())
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return out, nil
	case errors.As(err, &exit) && exit.Exited():
		out.Exit = exit.ExitCode()
		return out, nil
	case errors.As(err, &exit):
		return out, fmt.Errorf("cannot run a command here: %w: %w", errSignal, err)
	}
	return out, fmt.Errorf("cannot run a command here: %w", err)
}

// loginEnvironment is what a login of this process's user would begin with.
func loginEnvironment() (env []string, dir string) {
	env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	dir = "/"
	if u, err := user.Current(); err == nil {
		env = append(env, "USER="+u.Username, "LOGNAME="+u.Username, "HOME="+u.HomeDir)
		if _, err := os.Stat(u.HomeDir); err == nil {
			dir = u.HomeDir
		}
	}
	return env, dir
}

// dialHere connects from this machine.
func dialHere(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("cannot dial %s: %w", addr, err)
	}
	return conn, nil
}
