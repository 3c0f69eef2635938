package provision

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
)

// counting is a machine that answers its nth command by a function.
type counting struct {
	answer func(ctx context.Context, n int) (remote.Output, error)
	n      int
}

func (c *counting) Run(ctx context.Context, _ string, _ io.Reader) (remote.Output, error) {
	c.n++
	return c.answer(ctx, c.n)
}

// A look that the end of the time cuts off takes nothing from what was seen before.
func TestVerifyTellsWhatItSaw(t *testing.T) {
	refused := "Master_Host: 10.0.0.1\nMaster_Port: 3306\nUsing_Gtid: Slave_Pos\nSlave_IO_Running: Connecting\nSlave_SQL_Running: Yes\nLast_IO_Error: Access denied\n"
	for _, c := range []struct{ first, want string }{
		{refused, "replication does not run (IO Connecting, SQL Yes): Access denied"},
		{"", "it does not run"},
		{strings.NewReplacer("Connecting", "Yes", "Access denied", "").Replace(refused), "cannot see whether a row written at the source arrived: context deadline exceeded"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := replicaOf(&counting{answer: func(ctx context.Context, n int) (remote.Output, error) {
				if n == 1 {
					return remote.Output{Stdout: []byte(replicaAnswer(c.first))}, nil
				}
				<-ctx.Done()
				return remote.Output{}, ctx.Err()
			}})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if err := r.verify(ctx); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// replicaAnswer is what a machine says whose server answers with rows; none runs where it
// has none.
func replicaAnswer(rows string) string {
	state := "inactive"
	if rows != "" {
		state = "active"
	}
	return "== units\nId=mariadb.service\nActiveState=" + state + "\n== 0\n== sql\n" + rows + "== status 0\n== end\n"
}

func replicaOf(m *counting) Replica {
	source := &counting{answer: func(context.Context, int) (remote.Output, error) { return remote.Output{}, nil }}
	return Replica{Name: "db2", Machine: m, SourceMachine: source, Source: "db1", SourceAddr: netip.MustParseAddrPort("10.0.0.1:3306")}
}
