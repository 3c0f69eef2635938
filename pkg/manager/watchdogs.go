package manager

import (
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/services"
)

// What keeps watchdogs from restarting without end.
const (
	watchdogPause   = 5 * time.Minute // between two restarts of one service
	watchdogPerHour = 3
)

// A service that hangs has as long to stop by itself as it had to answer, within these.
const (
	leastPatience = 10 * time.Second
	mostPatience  = 2 * time.Minute
)

// addWatchdogs adds the rules that the services' watchdogs stand for.
func (r *rulesOf) addWatchdogs(cfg *config.Config) error {
	r.patience = map[string]time.Duration{}
	silent := fmt.Sprintf("/^(%s|%s)$/", command.DatabaseCommFailure, command.MemcacheCommFailure)
	for _, c := range cfg.Clusters {
		for _, s := range c.Services {
			if s.Watchdog == 0 {
				continue
			}
			w, err := ruleOf(config.Rule{
				Name: "watchdog/" + c.Name + "/" + s.Name,
				When: config.RuleWhen{Cluster: c.Name, Type: string(heartbeat.Services), Name: s.Name, Code: silent},
				For:  s.Watchdog, MinDelay: max(watchdogPause, s.Watchdog), MaxPerHour: watchdogPerHour,
				Do: config.RuleDo{Command: &config.RuleCommand{Level: string(heartbeat.Services), Action: services.Restart, Group: s.Name}},
			})
			if err != nil {
				return err
			}
			r.list = append(r.list, w)
			r.patience[w.Name] = min(max(s.Watchdog, leastPatience), mostPatience)
		}
	}
	return nil
}
