package actions

import (
	"errors"
	"time"
)

func progressOf(p Progress) wireProgress {
	w := wireProgress{Cancelled: p.Cancelled, Done: p.Done, Ended: p.Ended, Epoch: p.Epoch, Renewed: p.Renewed}
	for _, c := range p.Claims {
		if c.Try > 0 {
			w.Claims = append(w.Claims, claimOf(c))
		}
	}
	if f := p.Failure; f != (Failure{}) {
		w.Failure = &wireFailure{
			Delay: span(f.Delay), Epoch: f.Epoch, Error: f.Err, Final: f.Final, NotBefore: f.NotBefore, Times: f.Times, Try: f.Try,
		}
	}
	return w
}

func claimOf(c Claim) *wireClaim {
	return &wireClaim{Beat: c.Beat, Ended: c.Ended, Epoch: c.Epoch, Lasts: span(c.Lasts), Owner: c.Owner, Since: c.Since, Try: c.Try}
}

func (w *wireClaim) claim() Claim {
	return Claim{Epoch: w.Epoch, Try: w.Try, Beat: w.Beat, Ended: w.Ended, Owner: w.Owner, Lasts: time.Duration(w.Lasts), Since: plain(w.Since)}
}

// progress refuses what no merge of ours can have made.
func (w wireProgress) progress() (Progress, error) {
	p := Progress{Epoch: w.Epoch, Cancelled: w.Cancelled, Done: w.Done, Renewed: plain(w.Renewed), Ended: plain(w.Ended)}
	for _, c := range w.Claims {
		if c == nil || c.Try == 0 {
			return Progress{}, errors.New("one of its claims is none")
		}
		p.Claims = p.Claims.merge(Claims{c.claim()})
	}
	if f := w.Failure; f != nil {
		p.Failure = Failure{
			Epoch: f.Epoch, Try: f.Try, Final: f.Final, Err: f.Error, Times: f.Times,
			NotBefore: plain(f.NotBefore), Delay: time.Duration(f.Delay),
		}
	}
	if p.Claim().Epoch > p.Epoch || p.Failure.Epoch > p.Epoch {
		return Progress{}, errors.New("its claim or its failure is of a later epoch than it is")
	}
	return p, nil
}
