package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/manager"
	"github.com/clmgr/clmgr/pkg/peers"
	"github.com/clmgr/clmgr/pkg/plan"
)

// The output formats.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

func (a *app) checkOutput() error {
	switch a.output {
	case "", formatTable, formatJSON, formatYAML:
		return nil
	}
	return fmt.Errorf("cannot print as %q: -o takes table, json or yaml", a.output)
}

// format is the one asked for, else a table for a person and JSON for a program.
func (a *app) format() string {
	switch {
	case a.output != "":
		return a.output
	case a.width > 0:
		return formatTable
	}
	return formatJSON
}

// print prints an answer.
func (a *app) print(r command.Result) error {
	if a.format() == formatTable {
		switch body := r.Body.(type) {
		case manager.Beat:
			return a.statusTable(body)
		case heartbeat.Document:
			return a.statusTable(manager.Beat{Document: body})
		case actions.Document:
			return a.actionTable(body, r)
		case plan.Document:
			return a.planTable(body)
		case actions.HoldList:
			return a.holdTable(body, r)
		case manager.WatcherList:
			return a.watcherTable(body)
		case manager.RuleList:
			return a.ruleTable(body)
		case manager.RuleTests:
			return a.ruleTestTable(body)
		case peers.Listing:
			return a.peerTable(body)
		case manager.AlertList:
			return a.alertTable(body)
		case manager.AlertTests:
			return a.alertTestTable(body)
		case manager.SilenceList:
			_, err := fmt.Fprintln(a.out, a.silences(body.Silences))
			return err
		case manager.AddressList:
			return a.addressTable(body)
		}
		return nil
	}
	return a.encode(r)
}

// encode prints a document as indented JSON or as YAML.
func (a *app) encode(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot encode answer: %w", err)
	}
	var out bytes.Buffer
	if a.format() == formatYAML {
		y, err := yaml.JSONToYAML(b)
		if err != nil {
			return fmt.Errorf("cannot encode answer: %w", err)
		}
		out.WriteString("---\n")
		out.Write(y)
	} else {
		if err := json.Indent(&out, b, "", "  "); err != nil {
			return fmt.Errorf("cannot encode answer: %w", err)
		}
		out.WriteByte('\n')
	}
	_, err = a.out.Write(out.Bytes())
	return err
}
