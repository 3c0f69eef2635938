package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// run executes a script on the machine, which must end well, and returns what it printed.
func run(ctx context.Context, m job.Machine, script string, stdin io.Reader) (string, error) {
	out, err := m.Run(ctx, script, stdin)
	if err != nil {
		return "", err
	}
	if out.Exit != 0 {
		return "", fmt.Errorf("exit status %d: %s", out.Exit, lastWords(string(out.Stderr)))
	}
	return string(out.Stdout), nil
}

const machineLock = "/run/clmgr-provision.lock"

// alone is the beginning of a script that changes a machine: one at a time, since who was
// given up for lost may still be at it.
const alone = `exec 9>` + machineLock + `
flock -w 60 9 || { echo "another step is at work on this machine" >&2; exit 8; }
`

// memoryScript prints a word and how much memory the machine has, in KiB.
func memoryScript(word string) string {
	return "while read -r name value _; do if [ $name = MemTotal: ]; then echo " + word + " $value; break; fi; done </proc/meminfo"
}

// sum is what sha256sum says of a text.
func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// wordsLimit is how many bytes an error tells of what a machine said.
const wordsLimit = 400

// lastWords is the end of a text, in one line: why a program failed stands there.
func lastWords(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > wordsLimit {
		text = "… " + strings.ToValidUTF8(text[len(text)-wordsLimit:], "")
	}
	return text
}
