package lab

import (
	"fmt"
	"slices"
	"strings"
)

// hooks are the ways a packet takes through a bridge: between two ports, from a port to
// the host, from the host to a port.
type hooks struct{ forward, input, output strings.Builder }

// cutRules is the body of the packet filter table for these cuts; empty where none drops
// packets.
func (l *Lab) cutRules(cuts []numbered) string {
	var h hooks
	for _, c := range cuts {
		if c.Link {
			continue
		}
		for _, from := range c.From {
			for _, to := range l.farEnds(c.Cut, from) {
				match := ""
				if c.Port != 0 {
					match = fmt.Sprintf(" ether type ip tcp dport %d", c.Port)
				}
				h.drop(l.port(from), l.port(to), match)
				if !c.OneWay {
					h.drop(l.port(to), l.port(from), strings.Replace(match, "dport", "sport", 1))
				}
			}
		}
	}
	return h.body()
}

// farEnds are those a cut parts from one machine.
func (l *Lab) farEnds(c Cut, from string) []string {
	ends := slices.Clone(c.To)
	if len(ends) == 0 {
		ends = append(ends, Host)
		for _, m := range l.machines {
			ends = append(ends, m.name)
		}
	}
	return slices.DeleteFunc(ends, func(name string) bool { return name == from })
}

// port is the bridge's port of a machine; empty for the host, which is the bridge itself.
func (l *Lab) port(name string) string {
	if m := l.Machine(name); m != nil {
		return m.cable.port
	}
	return ""
}

// drop adds the rule for packets between two ports.
func (h *hooks) drop(from, to, match string) {
	switch {
	case to == "":
		fmt.Fprintf(&h.input, "\t\tiifname %s%s drop\n", from, match)
	case from == "":
		fmt.Fprintf(&h.output, "\t\toifname %s%s drop\n", to, match)
	default:
		fmt.Fprintf(&h.forward, "\t\tiifname %s oifname %s%s drop\n", from, to, match)
	}
}

func (h *hooks) body() string {
	var body strings.Builder
	for _, chain := range []struct{ hook, rules string }{
		{"forward", h.forward.String()}, {"input", h.input.String()}, {"output", h.output.String()},
	} {
		if chain.rules != "" {
			fmt.Fprintf(&body, "\tchain %[1]s {\n\t\ttype filter hook %[1]s priority filter; policy accept;\n%[2]s\t}\n",
				chain.hook, chain.rules)
		}
	}
	return body.String()
}
