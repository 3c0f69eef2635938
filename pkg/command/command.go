package command

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// All is the group and the type that leave nothing out.
const All = "all"

// Command is one thing to do. Level and Action name the verb; the others say
// to what: empty Group and Type mean all, an empty Cluster means every cluster.
type Command struct {
	Level   string // instances, services
	Action  string // heartbeat, status, launch, …
	Group   string // all, local, a service, an ip, an instance id, a cluster
	Type    string // all, db, nosql, proxy, lb, bench, or a mode
	Cluster string // limits Group to one cluster
	Last    bool   // heartbeat: print the stored document, look at nothing
	Facts   bool   // heartbeat, status: also what moves by itself
	NoAct   bool   // heartbeat: do nothing of what is due
	Wait    bool   // instances launch, …, services start, …: answer when it is over
	DryRun  bool   // services start, stop, …: say what would be done, and do nothing
	Yes     bool   // terminate, actions_init, sync: it is meant
	Address string // associate, disassociate, status_eip, status_vip: the address

	ID     string // actions show, retry, cancel: the action
	Plan   string // actions list, retry, cancel: the plan
	State  string // actions list, retry, cancel: only what is in that state
	When   string // actions add: the trigger, KIND:IP:STATE
	Do     string // actions add: what to do then, LEVEL:ACTION:GROUP
	After  string // actions add: the id of what is to be done first
	For    string // holds hold, alerts silence: for how long, as in 2h
	Reason string // holds hold, alerts silence: why

	// Document is the whole of a document that is no command but queued
	// ({"actions":[…]}) or given to the doctor ({"events":[…]}).
	Document string
	// Door is which way the command came: arguments, standard input.
	Door string
}

// Normal returns the command with empty filters spelled out as "all".
func (c Command) Normal() Command {
	if c.Group == "" {
		c.Group = All
	}
	if c.Type == "" {
		c.Type = All
	}
	return c
}

// Whole tells whether no filter leaves anything of a cluster out.
func (c Command) Whole() bool {
	c = c.Normal()
	return c.Group == All && c.Type == All
}

// Parse reads the seed's shape, {"level":…,"command":{"action":…,"group":…,
// "type":…}}, and our additions to it. An unknown key or a value of another type
// is an error: a misspelt filter must not become "all". The documents
// {"actions":[…]} and {"events":[…]} stand for the commands that take them.
func Parse(doc Document) (Command, error) {
	var c Command
	if stands, err := standIn(doc.Body); err != nil || stands.Level != "" {
		return stands, err
	}
	outer := fields{"level": &c.Level}
	if err := outer.take("", doc.Body, "command"); err != nil {
		return Command{}, err
	}
	var body map[string]any
	switch v := doc.Body["command"].(type) {
	case map[string]any:
		body = v
	case nil:
		return Command{}, fmt.Errorf(`cannot read command: there is no "command"`)
	default:
		return Command{}, fmt.Errorf(`cannot read command: "command" is %s, want an object`, describe(v))
	}
	inner := fields{
		"action": &c.Action, "group": &c.Group, "type": &c.Type, "cluster": &c.Cluster,
		"last": &c.Last, "facts": &c.Facts, "no_act": &c.NoAct, "wait": &c.Wait, "dry_run": &c.DryRun, "yes": &c.Yes, "address": &c.Address,
		"id": &c.ID, "plan": &c.Plan, "state": &c.State, "when": &c.When, "do": &c.Do, "after": &c.After,
		"for": &c.For, "reason": &c.Reason,
	}
	if err := inner.take("command.", body); err != nil {
		return Command{}, err
	}
	if c.Level == "" || c.Action == "" {
		return Command{}, fmt.Errorf(`cannot read command: want {"level":…,"command":{"action":…}}`)
	}
	return c.Normal(), nil
}

// standIn returns the command that a document of actions or events stands for; the
// zero Command for any other document.
func standIn(body map[string]any) (Command, error) {
	for key, c := range map[string]Command{
		"actions": {Level: "actions", Action: "add"}, "events": {Level: "events", Action: "treat"},
	} {
		value, is := body[key]
		if !is || body["level"] != nil || body["command"] != nil {
			continue
		}
		switch _, list := value.([]any); {
		case !list:
			return Command{}, fmt.Errorf("cannot read %s: %q is %s, want a list", key, key, describe(value))
		case len(body) > 1:
			return Command{}, fmt.Errorf("cannot read %s: %q must be the document's only key", key, key)
		}
		text, err := json.Marshal(body)
		if err != nil {
			return Command{}, fmt.Errorf("cannot read %s: %w", key, err)
		}
		c.Document = string(text)
		return c.Normal(), nil
	}
	return Command{}, nil
}

// fields maps the keys of an object to where their values go.
type fields map[string]any

// take fills the fields from obj; keys in skip are read elsewhere.
func (f fields) take(path string, obj map[string]any, skip ...string) error {
	known := map[string]bool{}
	for _, k := range skip {
		known[k] = true
	}
	for key, value := range obj {
		target, ok := f[key]
		if !ok {
			if known[key] {
				continue
			}
			return fmt.Errorf("cannot read command: unknown key %q, known are %s", path+key, f.names(skip))
		}
		ok = false
		switch t := target.(type) {
		case *string:
			*t, ok = value.(string)
		case *bool:
			*t, ok = value.(bool)
		}
		if !ok {
			return fmt.Errorf("cannot read command: %q is %s", path+key, describe(value))
		}
	}
	return nil
}

func (f fields) names(more []string) string {
	names := append([]string(nil), more...)
	for k := range f {
		names = append(names, k)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// describe names the JSON type of a value for an error message.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}
