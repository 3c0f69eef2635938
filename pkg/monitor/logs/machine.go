package logs

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote"
)

// Machine runs commands on the machine whose logs are watched, as *remote.Host does.
type Machine interface {
	Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error)
	Stream(ctx context.Context, command string, stdout io.Writer) error
	// Here tells whether it is the machine that this program runs on.
	Here() bool
}

// lastLine is the last line of what a command complained.
func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return strings.ToValidUTF8(string(text[bytes.LastIndexByte(text, '\n')+1:]), "\ufffd")
}

// quote makes one word for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
