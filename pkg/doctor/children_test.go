package doctor_test

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/eventlog"
)

func TestMain(m *testing.M) {
	children.Main(m, map[string]func(args []string) error{
		"treat":   onSite(jobTreat),
		"forever": onSite(jobForever),
	})
}

// onSite is a job whose arguments are a folder, a script in it and a number.
func onSite(job func(s site, script string, n int) error) func([]string) error {
	return func(args []string) error {
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return job(siteIn(args[0], eventlog.Options{}), args[1], n)
	}
}

func timeLimit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

// child returns the command that does a job of that kind.
func child(t *testing.T, job string, s site, script string, n int) *exec.Cmd {
	t.Helper()
	return children.Command(t, job, s.folder, script, strconv.Itoa(n))
}

// jobTreat appends event n, and hands over what there is.
func jobTreat(s site, script string, n int) error {
	ctx, cancel := timeLimit()
	defer cancel()
	if err := s.addEvents(n, n+1); err != nil {
		return err
	}
	_, err := s.doctor(time.Minute, script).Treat(ctx, noon)
	return err
}

// jobForever does what jobTreat does with event n and all after it, and prints the
// number of each that is in the log, before it is handed over.
func jobForever(s site, script string, n int) error {
	ctx, cancel := timeLimit()
	defer cancel()
	for {
		if err := s.addEvents(n, n+1); err != nil {
			return err
		}
		n++
		fmt.Println(n)
		if _, err := s.doctor(time.Minute, script).Treat(ctx, noon); err != nil {
			return err
		}
	}
}
