package plan

import (
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Steps are what is to be queued, in this order.
type Steps struct {
	Drafts []actions.Action
	// Code is OK where the last of them may start now, else what it waits for, in
	// the words of the 2012 table; Reason says it in one line.
	Code   command.Code
	Reason string
}

// Lifecycle returns the steps to start, stop or restart a service on the machine
// that was seen at its ip. powers says that the provider switches machines on; a
// stop switches none on, it waits for that.
func Lifecycle(verb string, v heartbeat.Service, i heartbeat.Instance, powers bool) Steps {
	last := actions.Action{
		Cluster: v.Cluster,
		When:    actions.Trigger{IP: i.IP, Kind: heartbeat.Instances, State: heartbeat.Running},
		Do:      command.Command{Level: string(heartbeat.Services), Action: verb, Group: v.Name},
	}
	first := func(verb string) actions.Action {
		return actions.Action{
			Cluster: v.Cluster, Do: command.Command{Level: string(heartbeat.Instances), Action: verb, Group: i.Name},
		}
	}
	powers = powers && verb != "stop"
	switch state := i.State; {
	case i.Stale:
		return Steps{[]actions.Action{last}, command.DelayedUntilStart, fmt.Sprintf("%s waits until machine %s is seen: %s", v.Name, i.Name, i.Reason)}
	case state == heartbeat.Running:
		return Steps{Drafts: []actions.Action{last}, Code: command.OK}
	case gone(state) && powers:
		return Steps{[]actions.Action{first("launch"), last}, command.DelayedUntilCreation, fmt.Sprintf("%s waits until machine %s is launched: it is %s", v.Name, i.Name, state)}
	case gone(state):
		return Steps{[]actions.Action{last}, command.DelayedUntilCreation, fmt.Sprintf("%s waits until somebody launches machine %s: it is %s", v.Name, i.Name, state)}
	case (state == heartbeat.Stopped || state == heartbeat.Stopping) && powers:
		return Steps{[]actions.Action{first("start"), last}, command.DelayedUntilStart, fmt.Sprintf("%s waits until machine %s is started: it is %s", v.Name, i.Name, state)}
	}
	return Steps{[]actions.Action{last}, command.DelayedUntilStart, fmt.Sprintf("%s waits until machine %s runs: it is %s", v.Name, i.Name, i.State)}
}

func gone(state string) bool {
	return state == heartbeat.Absent || state == heartbeat.Terminated || state == heartbeat.ShuttingDown
}
