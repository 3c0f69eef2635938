package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/manager"
)

// readAhead is how many documents are read while others are executed; so many at
// most are queued with one write.
const readAhead = 64

// read is one document of standard input, or why it could not be read.
type read struct {
	doc command.Document
	err error
}

// runPipe reads commands from standard input and answers each with one line, in
// their order. It goes on after a failed or malformed one and ends with the gravest
// outcome. Actions to be queued that have come in the meantime are queued together.
func runPipe(ctx context.Context, a *app) error {
	m, err := a.manager(ctx, manager.Options{})
	if err != nil {
		if err := a.answer(command.Fail(command.Command{}, command.BadConfig, err)); err != nil {
			return err
		}
		return &outcome{code: command.BadConfig, err: err, said: true}
	}
	defer m.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := &pipe{app: a, m: m, input: readAll(ctx, a.in), gravest: command.OK}
	for next, more := p.next(ctx); more; next, more = p.next(ctx) {
		p.count++
		if err := p.obey(ctx, next); err != nil {
			return err
		}
	}
	switch {
	case p.count == 0 && ctx.Err() == nil:
		return fail(command.NotUnderstood, errors.New("no command: none was given as an argument, and standard input is empty; see clmgr --help"))
	case p.gravest == command.OK && ctx.Err() != nil:
		return fail(command.Interrupted, errors.New("interrupted"))
	case p.gravest == command.OK:
		return nil
	}
	return &outcome{code: p.gravest, err: errors.New(p.gravest.Text()), said: true}
}

// readAll reads documents until the end, an error of reading, or the end of ctx.
func readAll(ctx context.Context, in io.Reader) <-chan read {
	out := make(chan read, readAhead)
	go func() {
		defer close(out)
		reader := command.NewReader(in)
		for {
			doc, err := reader.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			select {
			case out <- read{doc, err}:
			case <-ctx.Done():
				return
			}
			if err != nil && !errors.As(err, new(*command.SyntaxError)) {
				return
			}
		}
	}()
	return out
}

// pipe is standard input on its way to a manager.
type pipe struct {
	*app
	m       *manager.Manager
	input   <-chan read
	back    *read // read already, and next
	count   int
	gravest command.Code
}

// next waits for a document; false for none.
func (p *pipe) next(ctx context.Context) (read, bool) {
	if r := p.back; r != nil {
		p.back = nil
		return *r, true
	}
	if ctx.Err() != nil {
		return read{}, false
	}
	select {
	case r, more := <-p.input:
		return r, more
	case <-ctx.Done():
		return read{}, false
	}
}

// obey executes a document, and with it those that have come behind it and can be
// executed together with it.
func (p *pipe) obey(ctx context.Context, first read) error {
	c, wrong := p.understand(first)
	if wrong != nil {
		return p.tell(*wrong)
	}
	list := []command.Command{c}
	for p.back == nil && manager.Together(c) && len(list) < readAhead {
		select {
		case r, more := <-p.input:
			if !more {
				return p.tell(p.m.DoAll(ctx, list)...)
			}
			if next, wrong := p.understand(r); wrong == nil && manager.Together(next) {
				list = append(list, next)
			} else {
				p.back = &r
			}
		default:
			return p.tell(p.m.DoAll(ctx, list)...)
		}
	}
	return p.tell(p.m.DoAll(ctx, list)...)
}

// understand makes a command of a document, or the answer that says why not.
func (p *pipe) understand(r read) (command.Command, *command.Result) {
	var syntax *command.SyntaxError
	switch {
	case errors.As(r.err, &syntax):
		wrong := command.Fail(command.Command{}, command.NotUnderstood, r.err)
		wrong.At = &syntax.Position
		return command.Command{}, &wrong
	case r.err != nil:
		wrong := command.Fail(command.Command{}, command.RemoteManagerFailure, r.err)
		return command.Command{}, &wrong
	}
	c, err := command.Parse(r.doc)
	if err != nil {
		wrong := command.Fail(command.Command{}, command.NotUnderstood, err)
		wrong.At = &command.Position{Line: r.doc.Line, Column: 1}
		return command.Command{}, &wrong
	}
	if c.Cluster == "" {
		c.Cluster = p.cluster
	}
	c.Door = "standard input"
	return c, nil
}

// tell prints answers and remembers the gravest.
func (p *pipe) tell(list ...command.Result) error {
	for _, r := range list {
		if err := p.answer(r); err != nil {
			return err
		}
		if exitCode(r.Code) == worse(exitCode(r.Code), exitCode(p.gravest)) {
			p.gravest = r.Code
		}
	}
	return nil
}

// answer prints one answer on one line, and a failure on standard error too.
func (a *app) answer(r command.Result) error {
	if r.Reason != "" {
		fmt.Fprintln(a.err, "clmgr:", r.Reason)
	}
	if a.output == formatYAML {
		return a.encode(r)
	}
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot encode answer: %w", err)
	}
	_, err = fmt.Fprintln(a.out, string(b))
	return err
}
