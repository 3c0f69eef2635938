package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

// Host is this host's name among the machines, for cuts. A machine cut from the host is
// cut from the outside too: the host is its way there.
const Host = "host"

// Cut is one fault of the network. Nothing answers where it drops packets, and nobody is
// told: every interface keeps its carrier, unless Link pulls the cable itself.
type Cut struct {
	From   []string `json:"from"`              // machines or Host
	To     []string `json:"to,omitempty"`      // empty: every other machine and Host
	Port   uint16   `json:"port,omitempty"`    // only connections to this TCP port of To; 0: everything
	OneWay bool     `json:"one_way,omitempty"` // packets of To still reach From
	Link   bool     `json:"link,omitempty"`    // pull the cables of From out; To, Port and OneWay do not count
}

// String says what is cut, as in "m1 -/- m2:3306".
func (c Cut) String() string {
	if c.Link {
		return strings.Join(c.From, ",") + " unplugged"
	}
	arrow, to := " -/- ", strings.Join(c.To, ",")
	if c.OneWay {
		arrow = " -/> "
	}
	if to == "" {
		to = "all others"
	}
	if c.Port != 0 {
		to += fmt.Sprintf(":%d", c.Port)
	}
	return strings.Join(c.From, ",") + arrow + to
}

// numbered is a cut as it is kept on disk; the number tells equal cuts apart.
type numbered struct {
	ID int `json:"id"`
	Cut
}

// Cut makes the fault and returns what undoes it. Faults add up; each ends only by its
// own undo or by Heal, and outlasts the power of the machines.
func (l *Lab) Cut(ctx context.Context, c Cut) (undo func(context.Context) error, err error) {
	if err := l.checkCut(c); err != nil {
		return nil, fmt.Errorf("cannot cut: %w", err)
	}
	id := 0
	err = l.changeCuts(ctx, func(cuts []numbered) []numbered {
		for _, other := range cuts {
			id = max(id, other.ID)
		}
		id++
		return append(cuts, numbered{id, c})
	})
	if err != nil {
		return nil, fmt.Errorf("cannot cut %s: %w", c, err)
	}
	return func(ctx context.Context) error {
		err := l.changeCuts(ctx, func(cuts []numbered) []numbered {
			return slices.DeleteFunc(cuts, func(n numbered) bool { return n.ID == id })
		})
		if err != nil {
			return fmt.Errorf("cannot heal %s: %w", c, err)
		}
		return nil
	}, nil
}

// Heal ends every fault of the network.
func (l *Lab) Heal(ctx context.Context) error {
	if err := l.changeCuts(ctx, func([]numbered) []numbered { return nil }); err != nil {
		return fmt.Errorf("cannot heal: %w", err)
	}
	return nil
}

// Cuts lists the faults in force.
func (l *Lab) Cuts() ([]Cut, error) {
	cuts, err := l.readCuts()
	if err != nil {
		return nil, fmt.Errorf("cannot list cuts: %w", err)
	}
	var found []Cut
	for _, c := range cuts {
		found = append(found, c.Cut)
	}
	return found, nil
}

func (l *Lab) checkCut(c Cut) error {
	if len(c.From) == 0 {
		return errors.New("from whom?")
	}
	for _, name := range slices.Concat(c.From, c.To) {
		if name != Host && l.Machine(name) == nil {
			return fmt.Errorf("lab %s has no machine %s", l.Name(), name)
		}
	}
	if c.Link && slices.Contains(c.From, Host) {
		return errors.New("the host has no cable to pull")
	}
	return nil
}

func (l *Lab) readCuts() ([]numbered, error) {
	text, err := os.ReadFile(filepath.Join(l.Dir(), "cuts.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var cuts []numbered
	return cuts, json.Unmarshal(text, &cuts)
}

// changeCuts records the new list first and makes the network so: what a killed process
// left undone is done with the next change.
func (l *Lab) changeCuts(ctx context.Context, change func([]numbered) []numbered) error {
	lock, err := lockFile(ctx, filepath.Join(l.Dir(), "cuts.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	cuts, err := l.readCuts()
	if err != nil {
		return err
	}
	cuts = change(cuts)
	text, err := json.Marshal(cuts)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(l.Dir(), "cuts.json"), text, 0o600); err != nil {
		return err
	}
	return errors.Join(setTable(ctx, "bridge", newNetwork(l.state.Subnet).bridge(), l.cutRules(cuts)),
		l.setCables(ctx, cuts))
}

// setCables plugs every machine in or out as the cuts say.
func (l *Lab) setCables(ctx context.Context, cuts []numbered) error {
	for _, m := range l.machines {
		out := slices.ContainsFunc(cuts, func(c numbered) bool {
			return c.Link && slices.Contains(c.From, m.name)
		})
		if err := m.setPlugged(ctx, !out); err != nil {
			return err
		}
	}
	return nil
}
