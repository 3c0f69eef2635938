// Package labtest gives tests real machines that go away with the test.
package labtest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
)

// count tells the labs of one test process apart.
var count atomic.Int32

// Up boots one machine of the image for each name and returns when sshd answers on all.
// They are gone when the test is over; those of test processes that died are swept
// first. Where no lab can run the test fails and says why.
func Up(t testing.TB, image lab.Image, names ...string) *lab.Lab {
	t.Helper()
	var specs []lab.Spec
	for _, name := range names {
		specs = append(specs, lab.Spec{Name: name, Image: image})
	}
	return Mixed(t, specs...)
}

// Mixed is Up for machines of several images.
func Mixed(t testing.TB, specs ...lab.Spec) *lab.Lab {
	t.Helper()
	return up(t, lab.Options{Machines: specs})
}

// Shared is a lab without machines, each of which will have so many percent of one processor.
func Shared(t testing.TB, percent int) *lab.Lab {
	t.Helper()
	return up(t, lab.Options{CPU: percent})
}

func up(t testing.TB, o lab.Options) *lab.Lab {
	t.Helper()
	if err := lab.Possible(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if _, err := lab.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	o.Name, o.Ephemeral, o.Progress, o.Empty = fmt.Sprintf("t%d-%d", os.Getpid(), count.Add(1)), true, t.Output(), len(o.Machines) == 0
	l, err := lab.Up(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := l.Down(ctx); err != nil {
			t.Error(err)
		}
	})
	return l
}
