package services

import (
	"cmp"
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/clmgr/clmgr/pkg/command"
)

// The server errors that have their own words.
const (
	errAccessDenied           = 1045
	errUnknownSystemVariable  = 1193
	errSpecificAccessDenied   = 1227
	errAccessDeniedNoPassword = 1698
)

// databasePort is where MariaDB and MySQL listen.
const databasePort = 3306

// basics is the question every server of either kind can answer.
const basics = "SELECT 1 AS one, VERSION() AS version, @@GLOBAL.read_only AS read_only"

// dialect is what MariaDB and MySQL say differently.
type dialect struct {
	name string
	// basics is the question of the same name, extended by what this kind knows.
	basics string
	// counters ask for variables and status counters as name and value.
	counters []string
	// replicas are statements for the state of replication: the first that the
	// server's version understands is used.
	replicas []string
	// monitor names the privilege that those statements need.
	monitor string
}

// dialectOf tells the kind of a server from its version. A proxy's greeting may name
// another than the server behind it, so VERSION() has the last word.
func dialectOf(version string) dialect {
	if strings.Contains(strings.ToLower(version), "mariadb") {
		return mariadbDialect()
	}
	return mysqlDialect()
}

// databaseProbe probes either kind of server: whichever answers is asked in its own
// words, and the facts say so where it is not the kind that the mode names.
func databaseProbe(mode string) func(context.Context, attempt) Observation {
	return sessionProbe(mode, (*look).observe)
}

// sessionProbe logs in and then does what observe does. An empty mode names neither
// kind of server. An error of observe is of the connection or of a question refused.
func sessionProbe(mode string, observe func(*look, context.Context) (Observation, error)) func(context.Context, attempt) Observation {
	return func(ctx context.Context, a attempt) Observation {
		if !knownTLS(a.TLS) {
			return a.failed(command.BadConfig, fmt.Sprintf("tls %q is none of off, preferred, skip-verify, required", a.TLS))
		}
		conn, done, failure := a.dial(ctx, command.DatabaseCommFailure)
		if failure != nil {
			return *failure
		}
		defer done()
		look := &look{attempt: a, mode: mode, wire: newWire(conn, a.TLS != "" && a.TLS != "off", a.sample)}
		return look.guarded(ctx, observe)
	}
}

// look is a database probe past its connect.
type look struct {
	attempt
	mode    string
	wire    *wire
	session session
	doing   string // the statement under way, for the reason
	facts   map[string]any
}

// guarded runs the look and makes an observation of a panic in the driver library.
func (l *look) guarded(ctx context.Context, observe func(*look, context.Context) (Observation, error)) (seen Observation) {
	defer func() {
		if recover() != nil {
			seen = l.failed(command.DatabaseCommFailure, "sent a malformed answer")
		}
	}()
	var err error
	if l.session, err = login(ctx, l.attempt, l.wire); err != nil {
		return l.loginFailed(ctx, err)
	}
	defer l.session.close()
	l.wire.loggedIn = true
	seen, err = observe(l, ctx)
	if err != nil {
		seen = l.queryFailed(ctx, err)
	}
	seen.Facts = l.facts
	return seen
}

// loginFailed tells a server that does not let us in from one that cannot be spoken to.
func (l *look) loginFailed(ctx context.Context, err error) Observation {
	if own, ok := refused(err); ok {
		if own.Number == errAccessDenied || own.Number == errAccessDeniedNoPassword {
			given := "password given"
			if l.Password.Empty() {
				given = "no password given"
			}
			return l.failed(command.SQLFailure, fmt.Sprintf("access denied for user %s (%s)", cmp.Or(l.User, `""`), given))
		}
		return l.failed(command.SQLFailure, "login failed: "+own.Error())
	}
	switch {
	case errors.Is(err, mysql.ErrCleartextPassword):
		return l.failed(command.SQLFailure, "login failed: the server asks for the password in clear text")
	case errors.Is(err, mysql.ErrOldPassword):
		return l.failed(command.SQLFailure, "login failed: the server asks for the password in the format of before 4.1")
	case errors.Is(err, mysql.ErrUnknownPlugin):
		return l.failed(command.SQLFailure, "login failed: the server asks for an authentication plugin that is not supported")
	}
	if errors.Is(err, mysql.ErrNoTLS) {
		return l.failed(command.DatabaseCommFailure, "TLS is required, and the server does not offer it")
	}
	if !l.wire.heard && l.wire.failure != nil {
		return l.silence(ctx, command.DatabaseCommFailure, l.wire.failure)
	}
	return l.broken(ctx, err, "during login")
}

// queryFailed is the same after login.
func (l *look) queryFailed(ctx context.Context, err error) Observation {
	if own, ok := refused(err); ok {
		return l.failed(command.SQLFailure, l.doing+" failed: "+own.Error())
	}
	return l.broken(ctx, err, "during "+l.doing)
}

// broken is the observation of a connection that failed in use. What the wire saw is
// nearer to the cause than what the library made of it.
func (l *look) broken(ctx context.Context, err error, doing string) Observation {
	switch {
	case l.wire.foul != "":
		return l.failed(command.DatabaseCommFailure, l.wire.foul)
	case ctx.Err() != nil:
		return l.failed(command.DatabaseCommFailure, "connected, no complete answer "+l.within()+" "+doing)
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, sqldriver.ErrBadConn):
		err = cmp.Or(l.wire.failure, io.ErrUnexpectedEOF)
	}
	return l.lost(ctx, command.DatabaseCommFailure, doing, err)
}
