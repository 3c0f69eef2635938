package actions

import "cmp"

// Scripts is the level of actions that run an executable of one manager's own
// machine, RunScript their only verb. The group is the name of the rule that says
// which executable.
const (
	Scripts   = "scripts"
	RunScript = "run"
)

// Keys of what a script's action requires.
const (
	RequireManager  = "manager"  // whose script it is; any that has the rule, where there is none
	RequireAbout    = "about"    // what the event is about: a hold there holds the script
	RequireAboutIP  = "about ip" // and at which ip that is
	RequireDocument = "document" // what the script is given on standard input
)

// about is the group that an action is done to. A script is done to what its event
// is about, as far as holds go.
func (a *Action) about() string {
	if a.Do.Level != Scripts {
		return a.Do.Group
	}
	return cmp.Or(a.Require[RequireAbout], a.Require[RequireAboutIP], a.Do.Group)
}
