package remotetest

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// starter hands commands to one thread that lives as long as the process. The
// kernel sends a child its death signal when the *thread* that started it ends,
// and Go ends threads as it likes.
var starter = sync.OnceValue(func() chan<- startRequest {
	requests := make(chan startRequest)
	go func() {
		runtime.LockOSThread()
		for r := range requests {
			r.result <- r.cmd.Start()
		}
	}()
	return requests
})

type startRequest struct {
	cmd    *exec.Cmd
	result chan error
}

// spawn starts cmd so that it dies with the test process, also where that is
// killed.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r := startRequest{cmd: cmd, result: make(chan error)}
	starter() <- r
	return <-r.result
}
