package config

import (
	"fmt"
	"os"
	"strings"
)

// Variable is the environment variable that names the configuration file.
const Variable = "CLMGR_CONFIG"

// Find returns the path of the configuration file: the one of the -c flag, else
// the one $CLMGR_CONFIG names, else ./clmgr.yaml, else /etc/clmgr/clmgr.yaml. A
// file that was named must be there; no other is taken in its place.
func Find(flag string) (string, error) {
	return find(flag, os.Getenv(Variable), []string{"clmgr.yaml", "/etc/clmgr/clmgr.yaml"})
}

func find(flag, variable string, places []string) (string, error) {
	if flag != "" {
		return named(flag, "-c")
	}
	if variable != "" {
		return named(variable, "$"+Variable)
	}
	var looked []string
	for _, p := range places {
		_, err := os.Stat(p)
		if err == nil {
			return p, nil
		}
		if !os.IsNotExist(err) {
			return "", fmt.Errorf("cannot find configuration: %w", err)
		}
		looked = append(looked, p)
	}
	return "", fmt.Errorf("cannot find configuration: no -c, no $%s, and none of %s exists; `clmgr config init` writes one to start from",
		Variable, strings.Join(looked, ", "))
}

func named(path, by string) (string, error) {
	if _, err := os.Stat(path); err != nil { //nolint:gosec // the user names the file
		return "", fmt.Errorf("cannot find configuration that %s names: %w; `clmgr config init` writes one to start from", by, err)
	}
	return path, nil
}
