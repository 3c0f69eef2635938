package ec2

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

type consoleReply struct {
	head
	ID     string `xml:"instanceId"`
	At     string `xml:"timestamp"`
	Output string `xml:"output,omitempty"`
}

// consoleSize is how much of the console's end the API keeps.
const consoleSize = 64 << 10

// getConsoleOutput gives what the machine printed while booting, and its public host
// keys as cloud-init prints them. Before the first boot is over there is nothing.
func getConsoleOutput(s *state, c call) (reply, *Error) {
	id, err := c.need("InstanceId")
	if err != nil {
		return nil, err
	}
	i, err := s.instanceByID(c, id)
	if err != nil {
		return nil, err
	}
	r := &consoleReply{ID: i.ID, At: stamp(c.now)}
	if i.Machine == "" || i.Power == pending || i.Power == terminated {
		return r, nil
	}
	log, keys := c.screen(i.Machine)
	text := log + cloudInit(keys)
	text = text[max(0, len(text)-consoleSize):]
	r.Output = base64.StdEncoding.EncodeToString([]byte(text))
	return r, nil
}

// cloudInit words public host keys, one line of known_hosts form each, as cloud-init does.
func cloudInit(keys []string) string {
	const rule = "<14>cloud-init: #############################################################\r\n"
	var prints, lines strings.Builder
	for _, key := range keys {
		f := strings.Fields(key)
		if len(f) < 2 {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(f[1])
		if err != nil {
			continue
		}
		sum := sha256.Sum256(blob)
		kind := strings.ToUpper(strings.TrimPrefix(f[0], "ssh-"))
		fmt.Fprintf(&prints, "<14>cloud-init: 256 SHA256:%s %s (%s)\r\n",
			base64.RawStdEncoding.EncodeToString(sum[:]), strings.Join(f[2:], " "), kind)
		lines.WriteString(strings.Join(f, " ") + "\r\n")
	}
	return rule + "<14>cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\n" + prints.String() +
		"<14>cloud-init: -----END SSH HOST KEY FINGERPRINTS-----\r\n" + rule +
		"-----BEGIN SSH HOST KEY KEYS-----\r\n" + lines.String() + "-----END SSH HOST KEY KEYS-----\r\n"
}
