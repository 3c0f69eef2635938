package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/clmgr/clmgr/pkg/secret"
)

const wantedForms = "text, {env: NAME} or {file: PATH}"

// secret decodes a password. No message shows anything of it, nor keys beside
// env and file, which may be a password that was meant to be text.
func (d *decoder) secret(n ast.Node, p *secret.Value) {
	at := startOf(n)
	if isText(n) {
		*p = secret.New(literal(n))
		if !p.Empty() {
			d.clear = append(d.clear, at)
		}
		d.checkLength(*p, at)
		return
	}
	if !isMapping(n) {
		hint := ""
		if describe(n) == "a number" || describe(n) == "true or false" {
			hint = ": put it in quotes"
		}
		d.problem(at, "found %s, wanted %s%s", describe(n), wantedForms, hint)
		return
	}
	pairs := mappingValues(n)
	if len(pairs) != 1 {
		d.problem(at, "found a mapping with %d keys, wanted %s", len(pairs), wantedForms)
		return
	}
	key, _ := keyText(pairs[0].Key)
	value := d.resolve(pairs[0].Value)
	if value == nil {
		return
	}
	if key != "env" && key != "file" || !isText(value) {
		d.problem(at, "found a mapping that is neither {env: NAME} nor {file: PATH}, wanted %s", wantedForms)
		return
	}
	text, err := d.outside(key, literal(value))
	if err != nil {
		d.problem(startOf(value), "%v", err)
		return
	}
	*p = secret.New(text)
	d.checkLength(*p, at)
}

func (d *decoder) checkLength(v secret.Value, at place) {
	if n := len(v.Reveal()); n > 0 && n < secret.Shortest {
		d.warning(at, "the password is shorter than %d characters: it cannot be masked in text that other programs return", secret.Shortest)
	}
}

// outside reads a secret from the environment or a file.
func (d *decoder) outside(kind, name string) (string, error) {
	if kind == "file" {
		path, err := d.paths.absolute(name)
		if err != nil {
			return "", err
		}
		return readSecret(path)
	}
	if !isVariable(name) {
		return "", errors.New("cannot read password: env wants the name of an environment variable, of letters, digits and _")
	}
	text, ok := os.LookupEnv(name)
	switch {
	case !ok:
		return "", fmt.Errorf("cannot read password: the environment variable %s is not set", quoted(name))
	case text == "":
		return "", fmt.Errorf("cannot read password: the environment variable %s is empty", quoted(name))
	}
	return text, nil
}

func isVariable(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool { return !alphanumeric(c) && c != '_' })
}

// largestSecret is the size in bytes of a file that may still be a password.
const largestSecret = 64 << 10

// readSecret reads a password from a file that only its owner may read, and
// drops the newline at its end.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot read password: %w", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("cannot read password: %s is not a regular file", quoted(path))
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("cannot read password: others than its owner have access to %s (mode %04o); run: chmod 600 %s",
			quoted(path), info.Mode().Perm(), shellQuoted(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read password: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestSecret+1))
	if err != nil {
		return "", fmt.Errorf("cannot read password: %w", err)
	}
	if len(data) > largestSecret {
		return "", fmt.Errorf("cannot read password: %s is larger than %s", quoted(path), formatSize(largestSecret))
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", errors.New("cannot read password: " + quoted(path) + " is empty")
	}
	return text, nil
}

// shellQuoted makes a path that can be pasted into a shell.
func shellQuoted(s string) string {
	if nameFault(strings.ReplaceAll(s, "/", "a")) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
