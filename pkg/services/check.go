package services

import (
	"errors"
	"fmt"
	"regexp"
)

// Check describes how a mode that is not built in is probed: one of TCP, HTTP
// and Command is set. Call Compile once before many probes; a probe compiles an
// expression for itself where that was not done.
type Check struct {
	TCP     *TCPCheck
	HTTP    *HTTPCheck
	Command *CommandCheck

	compiled *regexp.Regexp // of the expression in use; nil: none, or not compiled yet
}

// TCPCheck connects, sends Send if given, and reads until Expect (a regular
// expression) matches within the first 64 KiB. Without Expect a connection is enough.
type TCPCheck struct{ Send, Expect string }

// HTTPCheck makes one request and compares status and body. No redirect is followed,
// no proxy used; a TLS certificate is verified.
type HTTPCheck struct {
	Method string // default GET
	Path   string // default /
	Host   string // Host header and TLS server name; default: the address
	TLS    bool
	Status int    // default: any 2xx
	Expect string // a regular expression the first 1 MiB of the body must match
}

// CommandCheck runs a command on the service's machine over SSH and compares exit
// code and output.
type CommandCheck struct {
	Run    string
	Exit   int
	Expect string // a regular expression the first 1 MiB of standard output must match
}

// Compile prepares the check's regular expression, so that probes need not. The
// error names what is wrong with the check: not exactly one kind, or an expression
// that does not parse. It must not run beside a probe of the same check.
func (c *Check) Compile() error {
	expect, err := c.expectation()
	if err != nil {
		return err
	}
	if expect == "" {
		return nil
	}
	compiled, err := regexp.Compile(expect)
	if err != nil {
		return fmt.Errorf("cannot parse expect: %w", err)
	}
	c.compiled = compiled
	return nil
}

// expectation returns the expression of the one kind that is set.
func (c *Check) expectation() (string, error) {
	kinds, expect := 0, ""
	if c.TCP != nil {
		kinds, expect = kinds+1, c.TCP.Expect
	}
	if c.HTTP != nil {
		kinds, expect = kinds+1, c.HTTP.Expect
	}
	if c.Command != nil {
		kinds, expect = kinds+1, c.Command.Expect
	}
	if kinds != 1 {
		return "", errors.New("a check is one of tcp, http and command")
	}
	return expect, nil
}

// checkDriver returns what probes a described mode.
func checkDriver(c *Check) (driver, error) {
	expect, err := c.expectation()
	if err != nil {
		return driver{}, err
	}
	if expect != "" && c.compiled == nil {
		own := *c // a check may be shared by probes that run side by side
		if err := own.Compile(); err != nil {
			return driver{}, err
		}
		c = &own
	}
	switch {
	case c.TCP != nil:
		return driver{probe: tcpProbe(*c.TCP, c.compiled)}, nil
	case c.HTTP != nil:
		return driver{probe: httpProbe(*c.HTTP, c.compiled)}, nil
	default:
		return driver{probe: commandProbe(*c.Command, c.compiled)}, nil
	}
}
