package config

// Mode describes a service mode that is not built in: exactly one of TCP, HTTP
// and Command is set. Its services are started either as a systemd unit or by
// commands that their machine's shell runs; Start and Stop are both set or neither.
// Of a built-in mode it only says how its services are installed: it has a Recipe, and
// none of those.
type Mode struct {
	Name    string       `yaml:"-" check:"name"` // its key in the file
	Type    string       `yaml:"type" default:"other" enum:"db|nosql|proxy|lb|bench|other"`
	Port    uint16       `yaml:"port"` // default for its services; 0 for none
	TCP     *TCPMode     `yaml:"tcp" one:"true"`
	HTTP    *HTTPMode    `yaml:"http" one:"true"`
	Command *CommandMode `yaml:"command" one:"true"`
	Unit    string       `yaml:"unit" check:"unit"` // default for its services
	// Packages are those that a managed service of the mode needs.
	Packages   []string `yaml:"packages" check:"package"`
	Repository string   `yaml:"repository" check:"name"` // default for its services
	Archive    *Archive `yaml:"archive"`
	Recipe     *Recipe  `yaml:"recipe" instead:"true"`
	Start      string   `yaml:"start" check:"command"`
	Stop       string   `yaml:"stop" check:"command"`
	Restart    string   `yaml:"restart" check:"command"` // "": stop and start
}

// TCPMode is a check that connects, sends Send and reads until Expect, a regular
// expression, matches. Without Expect a connection is enough.
type TCPMode struct {
	Send   string `yaml:"send"`
	Expect string `yaml:"expect" check:"regexp"`
}

// HTTPMode is a check by one HTTP request.
type HTTPMode struct {
	Method string `yaml:"method" default:"GET" check:"method"`
	Path   string `yaml:"path" default:"/" check:"urlpath"`
	Host   string `yaml:"host" check:"word"` // Host header and TLS server name
	TLS    bool   `yaml:"tls" default:"false"`
	Status int    `yaml:"status" min:"100" max:"599"` // 0: any 2xx
	Expect string `yaml:"expect" check:"regexp"`      // the body must match
}

// CommandMode is a check by a command that runs on the service's machine.
type CommandMode struct {
	Run    string `yaml:"run" need:"true"` // never empty after Load
	Exit   int    `yaml:"exit" default:"0" min:"0" max:"255"`
	Expect string `yaml:"expect" check:"regexp"` // standard output must match
}
