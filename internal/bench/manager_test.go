package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/manager"
)

// heartbeat returns a function that makes one heartbeat with the configuration,
// with cold connections, from the record before to the record after; want is the
// code it must end with. Reading the configuration is measured apart.
func heartbeat(b *testing.B, text string, want command.Code) func() {
	b.Helper()
	path := filepath.Join(b.TempDir(), "clmgr.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	var cfg *config.Config
	b.ReportMetric(clock(func() {
		var err error
		if cfg, err = config.Load(path, manager.Known()); err != nil {
			b.Fatal(err)
		}
	}), "ms/config")
	return func() {
		m, err := manager.New(context.Background(), cfg, manager.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer m.Close()
		r := m.Do(context.Background(), command.Command{Level: "instances", Action: "heartbeat"})
		if r.Code != want {
			text, _ := json.Marshal(r)
			b.Fatalf("the heartbeat ended with %s: %.2000s", r.Code, text)
		}
	}
}

// list joins the lines of a YAML list.
func list(n int, line func(int) string) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "      - %s\n", line(i))
	}
	return out.String()
}
