package main

import (
	"errors"

	"github.com/clmgr/clmgr/pkg/command"
)

// The exit codes, which every command's help shows.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotRunning  = 3
	exitDelayed     = 4
	exitRefused     = 5
	exitInterrupted = 130
)

const exitHelp = `
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 something is not running,
4 delayed (queued, waiting), 5 a gate refused, 130 interrupted.`

// exitCode is the one table from outcomes to exit codes.
func exitCode(c command.Code) int {
	switch c {
	case command.OK:
		return exitDone
	case command.NotUnderstood, command.NothingMatches, command.BadConfig:
		return exitUsage
	case command.SomethingIsNotRunning:
		return exitNotRunning
	case command.DelayedUntilStart, command.DelayedUntilCreation, command.Starting, command.Stopping:
		return exitDelayed
	case command.Refused:
		return exitRefused
	case command.Interrupted:
		return exitInterrupted
	}
	return exitFailed
}

// worse returns the graver of two exit codes; a pipe of many commands ends with
// the gravest.
func worse(a, b int) int {
	gravity := map[int]int{
		exitDone: 0, exitNotRunning: 1, exitDelayed: 2, exitRefused: 3, exitUsage: 4, exitFailed: 5, exitInterrupted: 6,
	}
	if gravity[b] > gravity[a] {
		return b
	}
	return a
}

// outcome is an error that carries a code; said is set where the reason has
// been printed already.
type outcome struct {
	code command.Code
	err  error
	said bool
}

func (o *outcome) Error() string { return o.err.Error() }
func (o *outcome) Unwrap() error { return o.err }

// fail gives err the code.
func fail(code command.Code, err error) error { return &outcome{code: code, err: err} }

// exitOf returns the exit code of what a command returned. An error without a
// code comes from cobra, about flags and arguments, or from an operation that
// failed; usage tells which.
func exitOf(err error, usage bool) int {
	var o *outcome
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &o):
		return exitCode(o.code)
	case usage:
		return exitUsage
	}
	return exitFailed
}
