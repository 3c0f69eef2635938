package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// group of the endpoint's own process; no machine can have that name.
const apiGroup = "_ec2"

// StartAPI starts the endpoint in a process of its own, which must call OpenAPI and then
// print a line on standard output. It lives until the lab goes down, or StopAPI. Where
// it runs already nothing is done.
func (l *Lab) StartAPI(ctx context.Context, command ...string) (Endpoint, error) {
	fail := func(err error) (Endpoint, error) {
		return Endpoint{}, fmt.Errorf("cannot start the EC2 endpoint of lab %s: %w", l.Name(), err)
	}
	if !l.APIRunning() {
		if err := l.spawnAPI(ctx, command); err != nil {
			return fail(err)
		}
	}
	s, err := readState(l.Name())
	if err != nil || s.Endpoint == nil {
		return fail(errors.Join(err, errors.New("it left no record")))
	}
	l.state.Endpoint = s.Endpoint
	return *s.Endpoint, nil
}

// APIRunning tells whether the endpoint has a process.
func (l *Lab) APIRunning() bool {
	g, err := labGroup(l.Name())
	return err == nil && g.sub(apiGroup).populated()
}

// StopAPI ends the endpoint's process. Its state stays, and the machines go on.
func (l *Lab) StopAPI(ctx context.Context) error {
	g, err := labGroup(l.Name())
	if err != nil {
		return err
	}
	return g.sub(apiGroup).kill(ctx)
}

func (l *Lab) apiLog() string { return filepath.Join(l.Dir(), "ec2.log") }

// lastComplaint is the last line the endpoint's process wrote.
func (l *Lab) lastComplaint() string {
	text, _ := os.ReadFile(l.apiLog())
	return lastLine(text)
}

// spawnAPI starts the endpoint's process in its control group, by which the lab finds
// and ends it whoever started it, and waits for its first line.
func (l *Lab) spawnAPI(ctx context.Context, command []string) error {
	g, err := labGroup(l.Name())
	if err != nil {
		return err
	}
	// Some kernels kill at once what starts in a group that was killed before.
	if err := g.sub(apiGroup).remove(); err != nil {
		return err
	}
	fd, closeGroup, err := g.sub(apiGroup).open()
	if err != nil {
		return err
	}
	defer closeGroup()
	log, err := os.OpenFile(l.apiLog(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	ready, says, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := exec.Command(command[0], command[1:]...) //nolint:noctx // it must outlive the caller
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", says, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, UseCgroupFD: true, CgroupFD: fd}
	err = cmd.Start()
	says.Close()
	if err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // how it ended is in its log
	if err := firstLine(ctx, ready); err != nil {
		return errors.Join(fmt.Errorf("%w: %s", err, l.lastComplaint()), l.StopAPI(context.WithoutCancel(ctx)))
	}
	return nil
}

// firstLine waits until something can be read, 30 s at most.
func firstLine(ctx context.Context, from *os.File) error {
	deadline := time.Now().Add(30 * time.Second)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	stop := context.AfterFunc(ctx, func() { _ = from.SetReadDeadline(time.Now()) })
	defer stop()
	if err := from.SetReadDeadline(deadline); err != nil {
		return err
	}
	if _, err := from.Read(make([]byte, 1)); err != nil {
		return errors.New("it ended or hung before it was ready")
	}
	return nil
}
