package config

import (
	_ "embed"
	"strings"
)

//go:embed sample.yaml
var sample string

// Sample returns the commented file to start from, which `clmgr config init`
// writes; it is valid as it stands.
func Sample() []byte { return []byte(sample) }

// completeSample is the sample with every key in it: those that it shows behind
// a "#" without a space, too.
func completeSample() string {
	lines := strings.Split(sample, "\n")
	for i, line := range lines {
		body := strings.TrimLeft(line, " ")
		if rest, ok := strings.CutPrefix(body, "#"); ok && rest != "" && rest[0] != ' ' {
			lines[i] = line[:len(line)-len(body)] + rest
		}
	}
	return strings.Join(lines, "\n")
}
