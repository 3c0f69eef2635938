package services_test

import (
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

func (b *bench) testMemcache(t *testing.T) {
	local := services.Target{Name: "m3", Mode: "memcache", Addr: "127.0.0.1:11211"}
	open := services.Target{Name: "m3", Mode: "memcache", Addr: at(b.m3, 11211)}
	wantSeen(t, look(t, open, direct(), ample), command.MemcacheCommFailure, "connection refused")

	run(t, b.m3, "systemctl start memcached", "") // as Debian ships it: on loopback only
	eventually(t, local, b.ssh(b.m3), "running", running)
	wantSeen(t, look(t, open, b.ssh(b.m3), ample), command.MemcacheCommFailure, "connection refused")

	run(t, b.m3, `sed -i 's/^-l .*/-l 0.0.0.0/' /etc/memcached.conf && systemctl restart memcached`, "")
	seen := eventually(t, open, direct(), "running", running)
	if seen.Role != services.NA || seen.Writable || seen.Silent {
		t.Errorf("got %+v", seen)
	}
	wantFacts(t, seen, map[string]any{
		"version": "1.6.18", "limit_maxbytes": int64(64 << 20), "curr_items": int64(0), "evictions": int64(0), "bytes": int64(0),
	})
	for _, name := range []string{"uptime_seconds", "curr_connections"} {
		if _, ok := seen.Facts[name].(int64); !ok {
			t.Errorf("fact %s: got %#v", name, seen.Facts[name])
		}
	}

	run(t, b.m3, "pkill -STOP memcached", "")
	seen = look(t, open, direct(), short)
	wantSeen(t, seen, command.MemcacheCommFailure, "connected, no answer within 300ms")
	if seen.Silent {
		t.Error("silent, though the kernel answered")
	}
	run(t, b.m3, "pkill -CONT memcached", "")
	wantSeen(t, look(t, open, direct(), ample), command.OK, "")

	run(t, b.m3, "systemctl stop memcached", "")
	seen = look(t, open, direct(), ample)
	wantSeen(t, seen, command.MemcacheCommFailure, "connection refused")
	if seen.Silent {
		t.Error("a refusal is no silence")
	}
}
