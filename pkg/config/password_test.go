package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/clmgr/clmgr/pkg/secret"
)

func withPassword(value string) []byte {
	return []byte(in("    database:\n      password: " + value + "\n"))
}

func TestPasswords(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("CLMGR_TEST", "from-env")
	write(t, filepath.Join(folder, "pw"), "from-file\n", 0o600)
	write(t, filepath.Join(folder, "windows"), "from-file\r\n", 0o400)
	write(t, filepath.Join(folder, "lines"), "two\nlines\n\n", 0o600)
	for value, want := range map[string]string{
		"plain":                     "plain",
		"'0123'":                    "0123",
		`""`:                        "",
		"|-\n        block":         "block",
		"{env: CLMGR_TEST}":         "from-env",
		"{file: pw}":                "from-file",
		"{file: " + folder + "/pw}": "from-file",
		"{file: windows}":           "from-file",
		"{file: lines}":             "two\nlines\n",
	} {
		c, err := Parse(filepath.Join(folder, "clmgr.yaml"), withPassword(value), known())
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if got := c.Clusters[0].Database.Password.Reveal(); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

func TestPasswordsThatCannotBeHad(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("CLMGR_TEST_EMPTY", "")
	write(t, filepath.Join(folder, "open"), "canary", 0o640)
	write(t, filepath.Join(folder, "world it"), "canary", 0o604)
	write(t, filepath.Join(folder, "empty"), "\n", 0o600)
	write(t, filepath.Join(folder, "large"), strings.Repeat("canary", largestSecret), 0o600)
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"{env: CLMGR_TEST_UNSET_VARIABLE}": "5:23: cannot read password: the environment variable \"CLMGR_TEST_UNSET_VARIABLE\" is not set",
		"{env: CLMGR_TEST_EMPTY}":          "5:23: cannot read password: the environment variable \"CLMGR_TEST_EMPTY\" is empty",
		"{env: 'a b'}":                     "5:23: cannot read password: env wants the name of an environment variable",
		"{file: none}":                     "5:24: cannot read password: stat " + folder + "/none: no such file or directory",
		"{file: open}":                     "5:24: cannot read password: others than its owner have access to \"" + folder + "/open\" (mode 0640); run: chmod 600 ",
		"{file: world it}":                 "chmod 600 '" + folder + "/world it'",
		"{file: empty}":                    "is empty",
		"{file: large}":                    "is larger than 64KiB",
		"{file: .}":                        "is not a regular file",
		"{file: pipe}":                     "is not a regular file",
		"{}":                               "5:17: found a mapping with 0 keys, wanted text, {env: NAME} or {file: PATH}",
		"[a]":                              "5:17: found a list, wanted text",
		"true":                             "5:17: found true or false, wanted text, {env: NAME} or {file: PATH}: put it in quotes",
		"":                                 "found nothing, wanted text",
	} {
		_, err := Parse(filepath.Join(folder, "clmgr.yaml"), withPassword(value), known())
		if err == nil {
			t.Errorf("%s: no mistake", value)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestSecretsAreCollectedAndHidden(t *testing.T) {
	c, err := Parse("f", []byte(`
store: etcd://user:canary-store@10.0.0.1:2379/x
store_key: canary-of-the-store-key
clusters:
  a:
    cloud: {password: canary-cloud}
    database: {password: canary-db}
    services:
      - {name: s1, mode: mysql, ip: 10.0.0.1, database: {password: canary-service}}
      - {name: s2, mode: mysql, ip: 10.0.0.1}
`), known())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range c.Secrets() {
		got = append(got, v.Reveal())
	}
	if want := "canary-store canary-of-the-store-key canary-cloud canary-db canary-service"; strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
	shown, err := c.Masked()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "canary") || !strings.Contains(string(shown), "etcd://user:xxx@10.0.0.1") {
		t.Errorf("%s", shown)
	}
	c.Store = ""
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "canary") || !strings.Contains(text, secret.Mask) {
		t.Error("fmt shows a password")
	}
	if maskStore("x://a b:canary@c") != secret.Mask {
		t.Error("a URL that cannot be read is shown")
	}
}

func TestMaskedIsDeterministic(t *testing.T) {
	file := samplePasswords(t)
	var first string
	for range 5 {
		c, err := Parse(file, []byte(completeSample()), known())
		if err != nil {
			t.Fatal(err)
		}
		shown, err := c.Masked()
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(shown)
		} else if first != string(shown) {
			t.Fatal("differs from run to run")
		}
	}
	if strings.Contains(first, "canary") || strings.Count(first, "password: xxx") < 2 {
		t.Error(first)
	}
	if os.Getenv("CLMGR_CLOUD_PASSWORD") == "" {
		t.Error("the canary was not set")
	}
}
