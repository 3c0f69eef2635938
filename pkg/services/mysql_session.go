package services

import (
	"context"
	"crypto/tls"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// session is one logged-in connection to a MariaDB or MySQL server. It goes to the
// driver below database/sql, whose pool, retries and goroutines a probe has no use for.
type session struct {
	conn sqldriver.Conn
}

// login logs in over an open connection.
func login(ctx context.Context, a attempt, w *wire) (session, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd = a.User, a.Password.Reveal()
	cfg.Addr = a.Addr
	cfg.Logger = &mysql.NopLogger{} // the default one writes to stderr
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return w, nil }
	cfg.TLS, cfg.AllowFallbackToPlaintext = tlsConfig(a.TLS, serverName(a.Addr))
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return session{}, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return session{}, err
	}
	return session{conn: conn}, nil
}

// close says goodbye and closes the connection.
func (s session) close() { s.conn.Close() }

// knownTLS tells whether a target's TLS word is one of those the documents name.
func knownTLS(word string) bool {
	switch word {
	case "", "off", "preferred", "skip-verify", "required":
		return true
	}
	return false
}

// tlsConfig returns how to speak TLS, nil for not at all, and whether a server
// without TLS is spoken to all the same.
func tlsConfig(word, name string) (*tls.Config, bool) {
	config := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	switch word {
	case "required":
		return config, false
	case "skip-verify", "preferred":
		config.InsecureSkipVerify = true // what these two words ask for
		return config, word == "preferred"
	}
	return nil, false
}

const (
	rowLimit    = 256 // rows taken from one answer
	columnLimit = 250 // columns; the wire lets no more through
)

// record is one row of an answer by column name. NULL is absent.
type record map[string]string

// ask runs one statement and returns its rows.
func (s session) ask(ctx context.Context, statement string) ([]record, error) {
	asker, ok := s.conn.(sqldriver.QueryerContext)
	if !ok {
		return nil, errors.New("the driver takes no plain statements")
	}
	rows, err := asker.QueryContext(ctx, statement, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := rows.Columns()
	if len(columns) > columnLimit {
		return nil, mysql.ErrMalformPkt
	}
	values := make([]sqldriver.Value, len(columns))
	var records []record
	for len(records) < rowLimit {
		err := rows.Next(values)
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		r := make(record, len(columns))
		for i, value := range values {
			if value != nil {
				r[columns[i]] = text(value)
			}
		}
		records = append(records, r)
	}
	return nil, mysql.ErrMalformPkt
}

// text is a driver's value as a copy of its own: the driver reuses its buffer.
func text(value sqldriver.Value) string {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(value)
}

// refused returns the server's own error, where err is one: it talks, but does not
// do what it was asked.
func refused(err error) (*mysql.MySQLError, bool) {
	var own *mysql.MySQLError
	return own, errors.As(err, &own)
}
