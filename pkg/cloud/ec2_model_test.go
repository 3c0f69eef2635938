package cloud_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"pgregory.net/rapid"

	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/pkg/cloud"
)

var errCrash = errors.New("crashed here")

// memory keeps documents without a disk, which would take most of the time.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[key], nil
}

func (m *memory) Update(_ context.Context, key, _ string, f func([]byte) ([]byte, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := f(m.kept[key])
	if err == nil {
		m.kept[key] = b
	}
	return err
}

// fragile documents fail for good at a random transition, before or after it is
// stored, as a process that dies there.
type fragile struct {
	*memory
	die *int // transitions left, two for each: before and after
}

func (f fragile) Update(ctx context.Context, key, why string, change func([]byte) ([]byte, error)) error {
	if *f.die--; *f.die == 0 {
		return errCrash
	}
	err := f.memory.Update(ctx, key, why, change)
	if *f.die--; *f.die == 0 {
		return errCrash
	}
	return err
}

// TestLaunchHistories plays random histories of launches and terminations, by
// processes that die anywhere, side by side or one after another, with answers
// lost or late, and listings that are behind: never two instances at one address,
// and one in the end.
func TestLaunchHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, kept := openSite(rt, t.TempDir()), &memory{kept: map[string][]byte{}}
		launch := func(die int, limit time.Duration) {
			o := s.options(rt, 1)
			o.Documents = fragile{kept, &die}
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			_, _ = cloud.NewEC2(o).Launch(ctx, "m1") // how it ends is drawn
		}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			faults := ec2.Faults{Unlisted: ec2.Lag{Calls: rapid.IntRange(0, 8).Draw(rt, "lag")}}
			effect := rapid.SampledFrom([]ec2.Effect{ec2.None, ec2.None, ec2.Lost, ec2.Cut}).Draw(rt, "effect")
			if effect != ec2.None {
				faults.Rules = []ec2.Fault{{Actions: []string{"RunInstances"}, Effect: effect}}
			}
			if err := s.SetFaults(faults); err != nil {
				rt.Fatal(err)
			}
			var wg sync.WaitGroup
			for range rapid.IntRange(1, 3).Draw(rt, "at once") {
				die := rapid.IntRange(0, 5).Draw(rt, "die")
				wg.Go(func() { launch(die, 80*time.Millisecond) })
			}
			wg.Wait()
			there := s.live(rt)["10.1.0.11"]
			if len(there) > 1 {
				rt.Fatalf("%d live instances at one address", len(there))
			}
			if len(there) == 1 && rapid.Bool().Draw(rt, "terminate") {
				s.end(rt, *there[0].InstanceId)
			}
		}
		if err := s.SetFaults(ec2.Faults{}); err != nil {
			rt.Fatal(err)
		}
		launch(0, 20*time.Second)
		there := s.live(rt)["10.1.0.11"]
		if len(there) != 1 {
			rt.Fatalf("%d live instances in the end", len(there))
		}
		s.end(rt, *there[0].InstanceId)
	})
}

// end terminates an instance and waits until its address is free.
func (s *site) end(t rapid.TB, id string) {
	t.Helper()
	if _, err := s.bare.TerminateInstances(context.Background(), &sdk.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); len(s.live(t)["10.1.0.11"]) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not end")
		}
	}
}
