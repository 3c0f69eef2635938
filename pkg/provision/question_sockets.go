package provision

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// dialer is a machine that can be connected from, as *remote.Host can.
type dialer interface {
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
}

// askBySockets asks as askByScript does, but for what programs that run already tell by
// their own sockets: systemd, databases and HAProxy. That takes a fraction of what
// starting their clients does. It asks as root, so that where the login is another user's
// systemd does not let it in; where it or another one is not to be had that way, nothing
// counts as asked.
func askBySockets(ctx context.Context, m job.Machine, list []question) (a answer, stopped error, asked bool) {
	d, can := m.(dialer)
	all := together(list)
	if !can || len(all.units) == 0 {
		return answer{}, nil, false
	}
	systemd, err := d.Dial(ctx, "unix", systemdSocket)
	switch {
	case errors.As(err, new(*remote.Error)): // which would keep a script waiting as long
		return newAnswer(), err, true
	case err != nil:
		return answer{}, nil, false
	}
	var script answer
	var wait sync.WaitGroup
	wait.Go(func() {
		rest := make([]question, len(list))
		for n, q := range list {
			rest[n] = question{packages: q.packages, files: q.files, modes: q.modes, script: q.script}
		}
		script, stopped = askByScript(ctx, m, rest)
	})
	heard, can := askPrograms(ctx, d, systemd, list, all.units)
	wait.Wait()
	if !can {
		return answer{}, nil, false
	}
	script.units = heard.units
	for part := range heard.text {
		script.text[part], script.failed[part], script.over[part] = heard.text[part], heard.failed[part], heard.over[part]
	}
	return script, stopped, true
}

// patience is how long each program may take to answer. They are asked at once.
const patience = 10 * time.Second

// unheard says that nobody can be asked by a socket.
type unheard struct{ error }

func (u unheard) Unwrap() error { return u.error }

// askPrograms asks systemd by an open connection, which it closes, and then those who run.
func askPrograms(ctx context.Context, d dialer, systemd net.Conn, list []question, units []string) (a answer, can bool) {
	a = newAnswer()
	var err error
	if a.units, err = askSystemd(ctx, systemd, units); err != nil {
		return a, false
	}
	var lock sync.Mutex
	var wait sync.WaitGroup
	can = true
	set := func(part, text string, err error) {
		lock.Lock()
		defer lock.Unlock()
		can = can && !errors.As(err, new(unheard))
		a.text[part], a.over[part], a.failed[part] = text, true, err
	}
	part := func(name, unit string, question func(context.Context) (string, error)) {
		if !a.units[unit].active {
			set(name, "", nil)
			return
		}
		wait.Go(func() {
			text, err := patiently(ctx, unit, question)
			set(name, text, err)
		})
	}
	for _, t := range tellers(list) {
		part(t.section(), t.unit, func(ctx context.Context) (string, error) { return t.ask(ctx, d) })
	}
	for _, db := range databases(list) {
		part(db.at.section(), db.at.unit(), func(ctx context.Context) (string, error) { return db.at.query(ctx, d, db.sql) })
	}
	wait.Wait()
	return a, can
}

// patiently asks one program; an error says where it has not answered in its time.
func patiently(ctx context.Context, unit string, question func(context.Context) (string, error)) (string, error) {
	own, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := question(own)
	switch {
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("%s has not answered: %w", unit, ctx.Err())
	case err != nil && own.Err() != nil:
		err = fmt.Errorf("%s has not answered in %v", unit, patience)
	}
	return text, err
}

// ask asks the program what it tells of itself.
func (t told) ask(ctx context.Context, d dialer) (string, error) {
	conn, err := d.Dial(ctx, "unix", t.socket)
	if err != nil {
		return "", unheard{err}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write([]byte(t.request + "\n")); err != nil {
		return "", fmt.Errorf("%s does not answer: %w", t.unit, err)
	}
	lines := bufio.NewScanner(conn)
	word := ""
	for lines.Scan() {
		if rest, is := strings.CutPrefix(lines.Text(), t.begin); is {
			word, _, _ = strings.Cut(rest, " ")
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s does not answer: %w", t.unit, err)
	}
	return word, nil
}
