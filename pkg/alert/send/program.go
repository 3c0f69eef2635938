package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// program is given documents on its standard input. No shell is in between.
type program struct {
	line []string
	mask func(string) string
}

// linger is how long after a program's end its output is read on, where a process that
// it left behind holds it open.
const linger = time.Second

// captured is how many bytes of a program's output are kept.
const captured = 16 << 10

func (p *program) send(ctx context.Context, l letter) error {
	said := &beginning{}
	cmd := exec.CommandContext(ctx, p.line[0], p.line[1:]...)
	cmd.Stdin = bytes.NewReader(l.document)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = environment()
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = linger
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return cutShort(ctx)
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // it ended well, and left somebody behind
	case len(said.text) > 0:
		return fmt.Errorf("%w: %s", err, short(p.mask(string(said.text))))
	}
	return err
}

// environment is all that a program gets of ours: the rest may hold secrets.
func environment() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, name := range []string{"HOME", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// beginning keeps the beginning of what is written to it, and takes everything.
type beginning struct{ text []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), captured-len(b.text))]...)
	return len(p), nil
}
