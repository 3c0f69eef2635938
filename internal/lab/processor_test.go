package lab_test

import (
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// A machine does with its share of a processor, however much it would like to have.
func TestShared(t *testing.T) {
	l := labtest.Shared(t, 30)
	m, err := l.Add(t.Context(), lab.Spec{Name: "m1", Image: lab.Databases()}, l.HostIP().Next())
	must(t, err)
	must(t, m.PowerOn(t.Context()))
	must(t, m.WaitSSH(t.Context()))
	const burns = "systemd-run --quiet --wait --pipe bash -c 'TIMEFORMAT=%Us; time timeout 3 bash -c \"while :; do :; done\"' 2>&1 | tail -n 1"
	had, err := time.ParseDuration(run(t, m, burns))
	if err != nil || had < 100*time.Millisecond || had > 1200*time.Millisecond {
		t.Errorf("it had a processor for %v of 3 s, %v", had, err)
	}
}
