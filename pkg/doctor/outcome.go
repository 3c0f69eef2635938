package doctor

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// event tells how a script's run with the events of those ids ended.
func (d *Doctor) event(script string, ids []string, r ran) heartbeat.Event {
	now := time.Now()
	given := strconv.Itoa(len(ids)) + " events"
	if len(ids) == 1 {
		given = "1 event"
	}
	reason, said := "after "+rounded(r.took).String(), r.said.line(d.opts.Mask)
	switch {
	case r.state == cannotStart:
		reason = said
	case said != "":
		reason += ": " + said
	}
	return heartbeat.Event{
		ID: identity(script, ids, r.state, now), Key: heartbeat.Key{Kind: heartbeat.Scripts, Name: script},
		Was: heartbeat.Point{State: given}, Is: heartbeat.Point{State: r.state},
		At: now, Manager: d.opts.Manager, Reason: reason,
	}
}

// identity is the id of an event: the hash of which script was given what, and when
// it ended. That the same events still cannot be handed over is one event, however
// often it is tried.
func identity(script string, ids []string, state string, now time.Time) string {
	parts := append([]string{script, state}, ids...)
	if state != cannotStart {
		parts = append(parts, strconv.FormatInt(now.UnixNano(), 10))
	}
	h := sha256.New()
	for _, part := range parts {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}

func rounded(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
