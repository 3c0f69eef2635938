package actions

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"time"
)

// Limits are how long and how often.
type Limits struct {
	First   time.Duration // the delay after the first failure
	Longest time.Duration // no delay is longer
	Tries   uint64        // failed attempts of one epoch after which it is parked
	Lease   time.Duration // how long an owner may act after a beat, and the longest anybody may
	Expires time.Duration // how long an action waits before it is parked
	Keep    time.Duration // how long what is finished is remembered
}

// Usual returns the limits used where the configuration gives none.
func Usual() Limits {
	return Limits{
		First: 5 * time.Second, Longest: 5 * time.Minute, Tries: 8,
		Lease: 30 * time.Second, Expires: 24 * time.Hour, Keep: 7 * 24 * time.Hour,
	}
}

// Delay returns how long to wait after the given failed attempt, from 1: it
// doubles, and is shortened by up to a quarter, which differs from action to
// action so that those that failed together do not come back together.
func (l Limits) Delay(id ID, times uint64) time.Duration {
	d := l.First
	for n := uint64(1); n < times && d < l.Longest; n++ {
		d *= 2
	}
	d = min(d, l.Longest)
	h := fnv.New64a()
	h.Write([]byte(id.Writer))
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, id.Seq), times))
	// FNV mixes its last bytes badly into the high bits, and the delays of
	// neighbours are the ones that must differ.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return d - time.Duration(float64(d/4)*float64(x>>11)/(1<<53))
}

// Judge returns the failure to record for an attempt at a that ended with err,
// and with which nothing is wrong if err is a *Retry or a *Wait. It is final
// once attempts or time are spent, and with a *Permanent.
func (l Limits) Judge(a Action, err error, now time.Time) Failure {
	f := Failure{Err: err.Error(), Times: a.Progress.failed().Times}
	var retry *Retry
	var wait *Wait
	switch {
	case errors.As(err, &wait):
		f.Delay = l.First
	case errors.As(err, &retry) && retry.After > 0:
		f.Delay = min(retry.After, l.Longest)
	case errors.As(err, &retry):
		f.Delay = l.First
	default:
		f.Times++
		f.Delay = l.Delay(a.ID, f.Times)
		f.Final = f.Times >= l.Tries || errors.As(err, new(*Permanent))
	}
	if d := a.Deadline(); !d.IsZero() && now.After(d) {
		f.Final = true
	}
	if f.Final {
		f.Delay = 0
		return f
	}
	f.NotBefore = now.Add(f.Delay)
	return f
}

// Lapsed returns the failure to record for an owner that stopped beating. It
// counts as a failed attempt: work that takes its manager down must end.
func (l Limits) Lapsed(p Progress) Failure {
	f := Failure{Times: p.failed().Times + 1, Err: p.Claim().Owner + " stopped beating while it was at work"}
	f.Final = f.Times >= l.Tries
	return f
}

// ahead tells whether the instant at, set delay ago or less, still lies ahead.
// More than delay to go means that another clock set it; then it is over, so
// that nobody waits for the difference between two clocks.
func ahead(at time.Time, delay time.Duration, now time.Time) bool {
	left := at.Sub(now)
	return !at.IsZero() && left > 0 && left <= delay
}
