package doctor

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

const (
	// grace is what a script has after SIGTERM, before SIGKILL.
	grace = 2 * time.Second
	// linger is how long after a script's end its output is read on, where a
	// process that it left behind holds it open.
	linger = time.Second
	// lookEvery is how often a group of processes that was told to end is looked at.
	lookEvery = 20 * time.Millisecond
)

// The states of a run besides "exit N", "killed by SIGNAL" and that it took too long.
const (
	cannotStart = "cannot start"
	interrupted = "interrupted" // together with the heartbeat
)

// ran is how a run ended.
type ran struct {
	state string
	kept  bool // the events are still to be handed over
	took  time.Duration
	said  output
}

// run runs a script with a document on its standard input, and waits for its end.
func (d *Doctor) run(ctx context.Context, script string, document []byte) ran {
	var r ran
	// Ending it is not left to the context: that would end one process only.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), script)
	cmd.Dir, cmd.Env = "/", d.environment()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(document), &r.said, &r.said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = linger
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return ran{state: cannotStart, kept: true, said: output{text: []byte(err.Error())}}
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what it says stands in cmd.ProcessState
		close(ended)
	}()
	limit := time.NewTimer(d.opts.Timeout)
	defer limit.Stop()
	select {
	case <-ended:
	case <-limit.C:
		r.state = "over its time limit of " + d.opts.Timeout.String()
	case <-ctx.Done():
		r.state = interrupted
	}
	select {
	case <-ended: // no later than what else came
		r.state = stateOf(cmd.ProcessState)
	default:
		endGroup(cmd.Process.Pid, ended)
		r.kept = r.state == interrupted
	}
	r.took = time.Since(began)
	return r
}

// managerVariable tells scripts the name of the manager that runs them.
const managerVariable = "CLMGR_MANAGER"

// environment is all that a script gets of ours: the rest may hold secrets.
func (d *Doctor) environment() []string {
	env := append([]string{managerVariable + "=" + d.opts.Manager}, d.env...)
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if own := os.Getenv("PATH"); own != "" {
		path = own
	}
	env = append(env, "PATH="+path)
	for _, name := range []string{"HOME", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func stateOf(p *os.ProcessState) string {
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return "killed by " + unix.SignalName(status.Signal())
	}
	if p.ExitCode() == 0 {
		return heartbeat.ExitZero
	}
	return "exit " + strconv.Itoa(p.ExitCode())
}

// endGroup ends all processes of a group and waits for its leader. The number of
// the group cannot be another's meanwhile: it was in use a moment ago at every look.
func endGroup(leader int, ended <-chan struct{}) {
	_ = syscall.Kill(-leader, syscall.SIGTERM)
	last := time.NewTimer(grace)
	defer last.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	over := false
	for {
		select {
		case <-last.C:
			_ = syscall.Kill(-leader, syscall.SIGKILL)
			<-ended
			return
		case <-look.C:
		}
		select {
		case <-ended:
			over = true
		default:
		}
		if over && syscall.Kill(-leader, 0) != nil {
			return
		}
	}
}
