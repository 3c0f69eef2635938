package e2e_test

// scenarios are all that needs machines.
func scenarios() []scenario {
	return []scenario{
		{"the document is as its schema says", documentShape},
		{"every door gives the same document", sameDocument},
		{"nothing changed, nothing differs", nothingChanged},
		{"exit codes", exitCodes},
		{"a machine and a database go and come back", comeAndGo},
		{"the configuration changes", configurationChanges},
		{"a machine is declared stopped", declaredStopped},
		{"first events", firstEvents},
		{"roles change", roleChanges},
		{"a virtual address", virtualAddress},
		{"nothing changes among failures", nothingChangesAmongFailures},
		{"hung things", hungThings},
		{"a frozen database is restarted", frozenDatabase},
		{"silent ports", silentPorts},
		{"the manager is isolated", isolation},
		{"one machine is silent", oneMachineSilent},
		{"a filter touches nothing else", filterTouchesNothingElse},
		{"two heartbeats at the same instant", cron},
		{"host keys", hostKeys},
		{"logins that fail", wrongLogin},
		{"a bastion", bastion},
		{"through SSH", throughSSH},
		{"two clusters with the same names", twoClusters},
		{"secrets", secrets},
	}
}
