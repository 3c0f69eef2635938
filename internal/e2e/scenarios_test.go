package e2e_test

// scenarios are all that needs machines.
func scenarios() []scenario {
	return []scenario{
		{"the document is as its schema says", documentShape},
		{"every door gives the same document", sameDocument},
		{"nothing changed, nothing differs", nothingChanged},
		{"exit codes", exitCodes},
	}
}
