package logs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/store"
)

// hereEnv has this program follow the journal of the machine it runs on and print the
// events, instead of testing. Its value is the folder of the store.
const hereEnv = "CLMGR_TEST_FOLLOW_HERE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(hereEnv); dir != "" {
		if err := followHere(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func followHere(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	documents, err := store.Open(ctx, "file:"+dir, store.Options{})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	return logs.NewJournal(logs.Options{
		Manager: "here", Machine: remote.ThisHost(), Store: documents, Key: "watch/logs/c/here", Mask: plain,
		Tell: func(_ context.Context, events []heartbeat.Event) error {
			for _, e := range events {
				if err := out.Encode(e); err != nil {
					return err
				}
			}
			return nil
		},
	}, []logs.Watcher{numbered("here", "here.service")}).Run(ctx, func() {})
}

func plain(s string) string { return s }

// numbered matches the lines "line N …".
func numbered(name, unit string) logs.Watcher {
	return logs.Watcher{
		Cluster: "c", Name: name, Machine: "m1", Unit: unit, Limit: 1_000_000,
		Match: []logs.Match{{Name: "numbered", Pattern: `^line (?P<number>\d+)\b`}},
	}
}
