package watch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/peers"
	"github.com/clmgr/clmgr/pkg/peers/watch"
	"github.com/clmgr/clmgr/pkg/store"
)

const signingKey = "a key for the tests of peers"

func TestMain(m *testing.M) {
	children.Main(m, map[string]func([]string) error{"watch": watchAsChild, "burn": burn})
}

func settings(interval, ttl time.Duration) peers.Settings {
	return peers.Settings{Interval: interval, TTL: ttl, Window: 100, Threshold: 8, MinSamples: 10, MinDeviation: 0.5}
}

// options are those of a manager whose store is the memcached at an address.
func options(ctx context.Context, name, address, folder string, s peers.Settings) (watch.Options, error) {
	shared, err := store.Open(ctx, "memcached://"+address, store.Options{SigningKey: []byte(signingKey)})
	if err != nil {
		return watch.Options{}, err
	}
	own, err := store.Open(ctx, "file:"+filepath.Join(folder, name), store.Options{})
	if err != nil {
		return watch.Options{}, err
	}
	return watch.Options{
		Manager: name, Settings: s, Shared: shared, Own: own, Disk: "/", Mask: func(s string) string { return s },
		Tell: func(context.Context, []heartbeat.Event) error { return nil },
	}, nil
}

// watchAsChild is a manager: name, address, folder, interval, time to live. It prints
// a line once it publishes, and each event that it tells.
func watchAsChild(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	interval, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	ttl, err := time.ParseDuration(args[4])
	if err != nil {
		return err
	}
	o, err := options(ctx, args[0], args[1], args[2], settings(interval, ttl))
	if err != nil {
		return err
	}
	o.Tell = func(_ context.Context, events []heartbeat.Event) error {
		for _, e := range events {
			line, err := json.Marshal(e)
			if err != nil {
				return err
			}
			fmt.Println(string(line))
		}
		return nil
	}
	first := true
	return watch.New(o).Run(ctx, func() {
		if first {
			fmt.Println("watching")
		}
		first = false
	})
}

// burn uses the processor until it is killed.
func burn([]string) error {
	for os.Getppid() != 1 {
		for n := 0; n < 1<<28; n++ { //nolint:revive // this is the work
		}
	}
	return nil
}
