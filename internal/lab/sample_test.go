package lab_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

func TestSample(t *testing.T) {
	b := time.Now()
	l := labtest.Up(t, lab.Databases(), "m1", "m2", "m3")
	t.Log("up", time.Since(b))
	ctx := context.Background()
	b = time.Now()
	cfg, err := l.SetupSample(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Log("sample", time.Since(b))
	x, _ := os.ReadFile(cfg)
	t.Log(string(x))
	for _, m := range []string{"m1", "m2", "m3"} {
		out, e, err := l.Machine(m).Run(ctx, "systemctl --failed --no-legend; ss -tln; free -m; [ $(hostname) = m3 ] || mariadb -e \"show slave status\\G show global status like '%semi_sync%status'; show grants for clmgr@'10.213.%'; select @@read_only\"; cat /etc/resolv.conf", nil)
		t.Log(string(out), string(e), err)
	}
	b = time.Now()
	t.Log(l.Machine("m1").Kill(ctx), time.Since(b))
	b = time.Now()
	t.Log(l.Machine("m1").PowerOn(ctx), l.Machine("m1").WaitSSH(ctx), time.Since(b))
	for i := 0; i < 100; i++ {
		out, _, _ := l.Machine("m1").Run(ctx, "systemctl is-system-running --wait; echo 'select 1' | mariadb", nil)
		t.Log(string(out))
		out, _, _ = l.Machine("m2").Run(ctx, "mariadb -e 'show slave status\\G' | grep Running", nil)
		t.Log(string(out), time.Since(b))
		if time.Since(b) > 5*time.Second {
			break
		}
	}
}
