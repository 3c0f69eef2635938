package services_test

import (
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// What is described wrongly is refused before any machine is asked.
func TestUnfitStepsAreRefused(t *testing.T) {
	for want, c := range map[string]struct {
		control services.Control
		verb    string
	}{
		`cannot reload mariadb: no such verb: "reload"`: {services.Control{Unit: "mariadb"}, "reload"},
		"both a unit and commands":                      {services.Control{Unit: "mariadb", Stop: "true"}, "start"},
		"cannot stop a service by its command: it has neither a unit nor a command for that": {
			services.Control{Start: "true"}, "stop",
		},
		"cannot restart a service by its command: it has neither": {services.Control{Start: "true"}, "restart"},
		`bad unit name "a b"`:       {services.Control{Unit: "a b"}, "start"},
		`bad unit name "--force"`:   {services.Control{Unit: "--force"}, "stop"},
		`bad unit name "*"`:         {services.Control{Unit: "*"}, "stop"},
		`bad unit name "x';reboot"`: {services.Control{Unit: "x';reboot"}, "stop"},
	} {
		_, err := services.Apply(t.Context(), nil, c.control, services.Step{Verb: c.verb, Job: job.Job{Unit: "clmgr-x"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestEveryModeNamesItsUnit(t *testing.T) {
	for name, m := range services.Modes() {
		if m.Unit == "" {
			t.Errorf("mode %s has none", name)
		}
	}
}
