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

// runPipe reads commands from standard input and answers each with one line.
// It goes on after a failed or malformed one and ends with the gravest outcome.
func runPipe(ctx context.Context, a *app) error {
	m, err := a.manager(ctx, manager.Options{})
	if err != nil {
		if err := a.answer(command.Fail(command.Command{}, command.BadConfig, err)); err != nil {
			return err
		}
		return &outcome{code: command.BadConfig, err: err, said: true}
	}
	defer m.Close()
	reader := command.NewReader(a.in)
	gravest := command.OK
	for n := 0; ; n++ {
		doc, err := reader.Next()
		if errors.Is(err, io.EOF) && n == 0 {
			return fail(command.NotUnderstood, errors.New("no command: none was given as an argument, and standard input is empty; see clmgr --help"))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		r := a.obey(ctx, m, doc, err)
		if err := a.answer(r); err != nil {
			return err
		}
		if exitCode(r.Code) == worse(exitCode(r.Code), exitCode(gravest)) {
			gravest = r.Code
		}
		if ctx.Err() != nil || r.At == nil && err != nil {
			break
		}
	}
	if gravest == command.OK {
		return nil
	}
	return &outcome{code: gravest, err: errors.New(gravest.Text()), said: true}
}

// obey executes the command in a document, or says why it could not be read.
func (a *app) obey(ctx context.Context, m *manager.Manager, doc command.Document, err error) command.Result {
	var syntax *command.SyntaxError
	if errors.As(err, &syntax) {
		r := command.Fail(command.Command{}, command.NotUnderstood, err)
		r.At = &syntax.Position
		return r
	}
	if err != nil {
		return command.Fail(command.Command{}, command.RemoteManagerFailure, err)
	}
	c, err := command.Parse(doc)
	if err != nil {
		r := command.Fail(command.Command{}, command.NotUnderstood, err)
		r.At = &command.Position{Line: doc.Line, Column: 1}
		return r
	}
	if c.Cluster == "" {
		c.Cluster = a.cluster
	}
	c.Door = "standard input"
	return m.Do(ctx, c)
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
