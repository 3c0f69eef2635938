package provision

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// query asks the database at a place as its root, by the socket where a client would.
func (p place) query(ctx context.Context, d dialer, list []statement) (string, error) {
	settings := mysql.NewConfig()
	settings.User, settings.Net, settings.Addr = "root", "unix", p.listens()
	settings.Logger = &mysql.NopLogger{}
	settings.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.Dial(ctx, network, addr)
		if err != nil {
			return nil, unheard{err}
		}
		return conn, nil
	}
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		return "", err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	var out strings.Builder
	for _, s := range list {
		rows, err := conn.QueryContext(ctx, s.text)
		if err == nil {
			err = s.print(&out, rows)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.unit(), err)
		}
	}
	return out.String(), nil
}

// print writes rows as MariaDB's client does in its batch mode.
func (s statement) print(out *strings.Builder, rows *sql.Rows) error {
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for n := range values {
		into[n] = &values[n]
	}
	for first := true; rows.Next(); first = false {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if s.named {
			for n, v := range values {
				fmt.Fprintf(out, "%s: %s\n", names[n], orNull(v))
			}
			continue
		}
		if first {
			out.WriteString(strings.Join(names, "\t") + "\n")
		}
		cells := make([]string, len(values))
		for n, v := range values {
			cells[n] = batchEscapes.Replace(orNull(v))
		}
		out.WriteString(strings.Join(cells, "\t") + "\n")
	}
	return rows.Err()
}

var batchEscapes = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\t", `\t`, `\`, `\\`)

func orNull(v sql.NullString) string {
	if !v.Valid {
		return "NULL"
	}
	return v.String
}
