package manager

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/plan"
	"github.com/clmgr/clmgr/pkg/services"
)

// wish is one service that something is to be done with.
type wish struct {
	cluster collect.Cluster
	service collect.Service
	wanted  plan.Wish
	steps   plan.Steps
	ids     []actions.ID // of what was queued for it
	empty   bool         // a replica to be synced was seen to hold no database
	// changes are what a removal or an adoption comes to, and refused why it must not be.
	changes []string
	refused error
	restart bool // whether an adoption needs one, or nobody could look
	err     error
}

// lifecycle queues what it takes to start, stop, restart or provision services, and
// does at once what may start now; the heartbeats do the rest, which Wait goes on
// with. A dry run says what all of it would be.
func (m *Manager) lifecycle(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	began, err := m.ledger.Own(ctx)
	if err != nil {
		return command.Fail(c, command.StoreFailure, err)
	}
	needs := m.ask(ctx, c, chosen)
	defer needs.forget()
	looked := m.look(ctx, c, chosen)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	for n := range looked {
		looked[n].now = looked[n].merged()
	}
	status := current(looked)
	wishes := m.wishes(c.Action, chosen, status)
	if len(wishes) == 0 {
		return command.Fail(c, command.NothingMatches, fmt.Errorf("cannot %s: group %q and type %q cover no service", c.Action, c.Group, c.Type))
	}
	needs.found(wishes)
	m.replaced(ctx, wishes)
	m.weighed(ctx, wishes)
	if r, stop := interrupted(ctx, c); stop {
		return r
	}
	for _, w := range wishes {
		if w.err == nil {
			w.steps = w.wanted.Steps()
		}
	}
	if c.DryRun {
		return m.plans(c, wishes)
	}
	if code, err := m.mayQueue(ctx, c, wishes, status); err != nil {
		return command.Fail(c, code, err)
	}
	ready := map[actions.ID]bool{} // what may start now, and what comes after it
	sortLayers(wishes)
	for _, w := range wishes {
		m.queue(ctx, c, w, wishes, status)
		if w.steps.Code == command.OK {
			for _, id := range w.ids {
				ready[id] = true
			}
		}
	}
	var failure error
	if len(ready) > 0 {
		_, failure = m.act(ctx, began, looked, func(a actions.Action) bool { return ready[a.ID] })
	}
	if c.Wait && failure == nil {
		failure = m.follow(ctx, c, wishes)
	}
	return m.granted(ctx, c, wishes, looked, failure)
}

// mayQueue refuses what needs an operator's word that is not there, and what somebody holds.
func (m *Manager) mayQueue(ctx context.Context, c command.Command, wishes []*wish, status heartbeat.Status) (command.Code, error) {
	for _, may := range []func(command.Command, []*wish) error{mayReplace, mayRemove, mayAdopt} {
		if err := may(c, wishes); err != nil {
			return command.Refused, err
		}
	}
	err := m.heldBack(ctx, c, wishes, status)
	return refusedOr(command.StoreFailure, err), err
}

// wishes are the services covered, each with its steps.
func (m *Manager) wishes(verb string, chosen []chosen, s heartbeat.Status) []*wish {
	machines := map[heartbeat.Key]heartbeat.Instance{} // by configured name
	for _, i := range s.Instances {
		machines[heartbeat.Key{Cluster: i.Cluster, Kind: heartbeat.Instances, Name: i.Name}] = i
	}
	var out []*wish
	for _, ch := range chosen {
		for _, v := range ch.cluster.Services {
			if !ch.covers.Services[v.Target.Name] {
				continue
			}
			w := &wish{cluster: ch.cluster, service: v}
			out = append(out, w)
			machine, on := machines[heartbeat.Key{Cluster: ch.cluster.Name, Kind: heartbeat.Instances, Name: ch.cluster.MachineAt(v.IP).Name}]
			if !on {
				w.err = fmt.Errorf("cannot %s %s: it is on no machine of cluster %s", verb, v.Target.Name, ch.cluster.Name)
				continue
			}
			if w.err = m.whyNot(verb, w); w.err != nil {
				continue
			}
			key := keyOf(ch.cluster, v)
			_, managed := m.managed[key]
			w.wanted = plan.Wish{
				Verb: verb, Service: heartbeat.Service{Cluster: ch.cluster.Name, Name: v.Target.Name, IP: v.IP}, Machine: machine,
				Powers: ch.cluster.Driver.Name() != cloud.LocalName && verb != handlers.Remove && verb != handlers.Adopt, Up: managed && seenUp(s, key),
			}
		}
	}
	return out
}

// heldBack refuses all of it if somebody holds anything of it.
func (m *Manager) heldBack(ctx context.Context, c command.Command, wishes []*wish, s heartbeat.Status) error {
	var drafts []actions.Action
	for _, w := range wishes {
		drafts = append(drafts, w.steps.Drafts...)
	}
	return m.held(ctx, c, drafts, s)
}

// held refuses what somebody holds. Holds that cannot be read hold nothing back
// but what would be queued, and that fails by itself.
func (m *Manager) held(ctx context.Context, c command.Command, drafts []actions.Action, s heartbeat.Status) error {
	v, err := m.ledger.Look(ctx)
	if err != nil && !errors.As(err, new(*ledger.Unshared)) {
		return err
	}
	for _, a := range drafts {
		if h, is := v.Queue.HeldBy(a, s, v.Now); is {
			return &heldError{verb: c.Action, name: a.Do.Group, hold: h}
		}
	}
	return nil
}

// heldError is a command that somebody's hold refuses.
type heldError struct {
	verb, name string
	hold       actions.Hold
}

func (e *heldError) Error() string {
	return fmt.Sprintf("cannot %s %s: refused by hold: %s; clmgr release %s ends that", e.verb, e.name, e.hold, e.hold.Group)
}

func refusedOr(code command.Code, err error) command.Code {
	if errors.As(err, new(*heldError)) {
		return command.Refused
	}
	return code
}

// queue queues the steps of one wish.
func (m *Manager) queue(ctx context.Context, c command.Command, w *wish, wishes []*wish, s heartbeat.Status) {
	if w.err != nil || len(w.steps.Drafts) == 0 {
		return
	}
	m.draft(w, wishes, s)
	w.steps.Drafts[len(w.steps.Drafts)-1].Require = meant(c, w)
	if last := &w.steps.Drafts[len(w.steps.Drafts)-1]; c.Action == "restart" && w.steps.Code == command.OK {
		last.Require, w.err = m.invocation(ctx, w)
		if w.err != nil {
			return
		}
	}
	m.add(ctx, c, w)
}

// draft completes the steps of a wish by what they wait for.
func (m *Manager) draft(w *wish, wishes []*wish, s heartbeat.Status) {
	m.afterOthers(w, wishes)
	for n, a := range w.steps.Drafts {
		w.steps.Drafts[n] = actions.Bind(a, s)
	}
}

// add adds the steps of a wish to the queue, as one plan.
func (m *Manager) add(ctx context.Context, c command.Command, w *wish) {
	receipt, err := m.ledger.Add(ctx, actions.Request{
		Drafts: w.steps.Drafts, InOrder: true, Strict: true, AskedBy: m.asker(c), Words: m.words,
	})
	for _, a := range receipt.Added {
		w.ids = append(w.ids, a.ID)
	}
	for _, bad := range receipt.Bad {
		err = errors.Join(err, bad)
	}
	w.err = err
}

// invocation is what a restart is to end: the invocation of the unit that runs now.
func (m *Manager) invocation(ctx context.Context, w *wish) (map[string]string, error) {
	s := m.service(w.cluster, w.service)
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Heartbeat.Deadline)
	defer cancel()
	state, err := services.Inspect(ctx, s.Host, s.Control)
	if err != nil || state.Invocation == "" {
		return nil, err
	}
	return map[string]string{handlers.InvocationKey(s.Name): state.Invocation}, nil
}

// granted answers with what became of the wishes; the gravest counts.
func (m *Manager) granted(ctx context.Context, c command.Command, wishes []*wish, looked []seen, failure error) command.Result {
	r := command.Result{Command: c, Code: command.OK}
	var reasons []string
	worse := func(code command.Code, reason string) {
		gravity := map[command.Code]int{
			command.OK: 0, startingOr(c.Action): 1, command.DelayedUntilStart: 2, command.DelayedUntilCreation: 3,
			command.RemoteCommandFailed: 4, command.Interrupted: 5, command.StoreFailure: 6,
		}
		if gravity[code] > gravity[r.Code] {
			r.Code = code
		}
		if reason != "" {
			reasons = append(reasons, reason)
		}
	}
	var left *unfinished
	if errors.As(failure, &left) {
		worse(command.Interrupted, failure.Error())
		failure = nil
	}
	view, err := m.ledger.Look(context.WithoutCancel(ctx))
	if failure = errors.Join(failure, err); failure != nil {
		worse(command.StoreFailure, failure.Error())
	}
	said := errors.As(failure, new(*ledger.Unshared))
	report := m.runner.Explain(view, m.input(looked))
	doc := actions.Document{Verdicts: map[actions.ID]actions.Verdict{}}
	for _, w := range wishes {
		if again := said && errors.As(w.err, new(*ledger.Unshared)); w.err != nil && !again {
			worse(codeOf(w.err), w.err.Error())
		}
		var tells actions.Action // the first step that fails, else the last one
		for _, id := range w.ids {
			a, _ := view.Queue.Get(id)
			v, open := report.Of(id)
			doc.Actions = append(doc.Actions, a)
			if open {
				doc.Verdicts[id] = v
			}
			if !fails(tells) {
				tells = a
			}
		}
		if len(w.ids) > 0 {
			worse(standing(w, c.Action, tells, doc.Verdicts[tells.ID]))
		}
	}
	r.Body, r.Reason = doc, oneLine(errors.New(strings.Join(reasons, "; ")))
	return r
}

// fails tells whether an action was given up, or waits to be tried again.
func fails(a actions.Action) bool {
	return a.State() == actions.Failed || a.State() == actions.Waiting && a.Progress.Failure.Times > 0
}

func codeOf(err error) command.Code {
	if errors.As(err, new(*ledger.Unshared)) {
		return command.StoreFailure
	}
	return command.RemoteCommandFailed
}

// standing is how far a wish has come, as its action a tells.
func standing(w *wish, verb string, a actions.Action, v actions.Verdict) (command.Code, string) {
	name := w.service.Target.Name
	switch {
	case a.State() == actions.Done:
		return command.OK, ""
	case a.State() == actions.Failed:
		return command.RemoteCommandFailed, fmt.Sprintf("cannot %s %s: %s; given up, clmgr actions retry %s tries it again", verb, name, a.Progress.Failure.Err, a.ID)
	case fails(a):
		return command.RemoteCommandFailed, fmt.Sprintf("cannot %s %s: %s; the heartbeats try %s again", verb, name, a.Progress.Failure.Err, a.ID)
	}
	if w.steps.Code != command.OK {
		return w.steps.Code, w.steps.Reason + "; queued as " + a.ID.String()
	}
	return startingOr(verb), fmt.Sprintf("%s is not over: %s %s", name, a.ID, v.Reason)
}

// startingOr is the code of what is under way.
func startingOr(verb string) command.Code {
	if verb == "stop" || verb == handlers.Remove {
		return command.Stopping
	}
	return command.Starting
}
