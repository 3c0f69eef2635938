// Package clmgr_test holds the tests of the module as a whole.
package clmgr_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/clmgr/clmgr/"

// mayImport is the way the arrows point: of our own packages each may import
// these, and a package that is not listed may not exist.
var mayImport = map[string]string{
	"pkg/secret":            "",
	"pkg/command":           "",
	"pkg/cloud":             "",
	"pkg/cloud/cloudtest":   "pkg/cloud",
	"pkg/store":             "",
	"pkg/store/storetest":   "pkg/store",
	"pkg/eventlog":          "",
	"pkg/remote":            "",
	"pkg/remote/job":        "pkg/remote",
	"pkg/remote/remotetest": "",
	"pkg/template":          "",
	"pkg/config":            "pkg/secret pkg/template",
	"pkg/provision":         "pkg/remote pkg/remote/job pkg/secret pkg/template",
	"pkg/services":          "pkg/command pkg/remote pkg/remote/job pkg/secret",
	"pkg/heartbeat":         "pkg/command",
	"pkg/daemon":            "pkg/template",
	"pkg/actions":           "pkg/command pkg/heartbeat",
	"pkg/actions/ledger":    "pkg/actions pkg/store",
	"pkg/actions/runner":    "pkg/actions pkg/actions/ledger pkg/heartbeat",
	"pkg/doctor":            "pkg/eventlog pkg/heartbeat",
	"pkg/peers":             "pkg/heartbeat",
	"pkg/peers/watch":       "pkg/heartbeat pkg/peers pkg/store",
	"pkg/alert":             "pkg/command pkg/heartbeat",
	"pkg/alert/send":        "pkg/alert pkg/eventlog pkg/heartbeat pkg/secret pkg/store",
	"pkg/actions/handlers":  "pkg/actions pkg/cloud pkg/command pkg/provision pkg/remote pkg/remote/job pkg/services",
	"pkg/monitor":           "pkg/heartbeat pkg/remote pkg/remote/job pkg/secret pkg/store",
	"pkg/plan":              "pkg/actions pkg/command pkg/heartbeat",
	"pkg/rules":             "pkg/actions pkg/command pkg/heartbeat",
	"pkg/rules/turn":        "pkg/actions pkg/actions/ledger pkg/command pkg/eventlog pkg/heartbeat pkg/rules pkg/store",
	"pkg/heartbeat/collect": "pkg/command pkg/heartbeat pkg/cloud pkg/services pkg/remote",
	"pkg/monitor/logs":      "pkg/heartbeat pkg/remote pkg/store",
	"pkg/manager": "pkg/command pkg/heartbeat pkg/heartbeat/collect pkg/cloud pkg/services pkg/provision pkg/remote pkg/remote/job " +
		"pkg/config pkg/daemon pkg/store pkg/eventlog pkg/doctor pkg/secret pkg/plan pkg/actions pkg/actions/handlers pkg/actions/ledger pkg/actions/runner pkg/monitor pkg/monitor/logs pkg/rules pkg/rules/turn pkg/peers pkg/peers/watch pkg/alert pkg/alert/send",
	"cmd/clmgr":              "pkg/actions pkg/command pkg/heartbeat pkg/config pkg/daemon pkg/manager pkg/plan internal/lab internal/lab/ec2 pkg/peers pkg/alert",
	"internal/lab":           "internal/lab/ec2",
	"internal/lab/ec2":       "",
	"internal/lab/labtest":   "internal/lab",
	"internal/e2e":           "",
	"internal/children":      "",
	"internal/memcachedtest": "",
	"internal/porttest":      "",
	"internal/schematest":    "",
	"internal/bench":         "",
}

// pure are the packages that take values and give values.
var pure = []string{"pkg/heartbeat", "pkg/actions", "pkg/plan", "pkg/rules"}

// impure are what they may not import.
var impure = []string{"context", "os", "net", "log/slog", "sync", "math/rand", "math/rand/v2"}

type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < len(mayImport) {
		t.Fatalf("%d packages listed, %d known", len(all), len(mayImport))
	}
	return all
}

func TestArrowsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name+"/" == module {
			continue // the tests here
		}
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("package %s is not in the table of this test", name)
		}
		for _, i := range p.Imports {
			ours, ok := strings.CutPrefix(i, module)
			if ok && !slices.Contains(strings.Fields(allowed), ours) {
				t.Errorf("%s imports %s", name, ours)
			}
		}
	}
}

// Only the lab command may reach the lab.
func TestOnlyLabCommandImportsLab(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			path := filepath.Join(p.Dir, f)
			for _, i := range parse(t, path).Imports {
				lab := strings.HasPrefix(strings.Trim(i.Path.Value, `"`), module+"internal/lab")
				inside := strings.HasPrefix(p.ImportPath, module+"internal/lab")
				if lab && !inside && !strings.HasPrefix(f, "lab") {
					t.Errorf("%s imports the lab", path)
				}
			}
		}
	}
}

func TestPurePackages(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(pure, strings.TrimPrefix(p.ImportPath, module)) {
			continue
		}
		for _, i := range p.Imports {
			if slices.Contains(impure, i) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
		for _, f := range p.GoFiles {
			ast.Inspect(parse(t, filepath.Join(p.Dir, f)), func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After"}, s.Sel.Name) {
						t.Errorf("%s/%s uses time.%s", p.ImportPath, f, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// text/template calls methods by name, so the linker keeps every method of every
// library that is linked: with the EC2 client as a whole three times the program. The
// templates of alerts are operators' own, and the library behind alerts has them too:
// with what we link of EC2 that is 4.6 MB.
func TestNoTemplates(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			alerts := p.ImportPath == module+"pkg/alert" && i == "text/template"
			if !alerts && (i == "text/template" || i == "html/template") {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// No package is named for what it happens to hold.
func TestPackageNames(t *testing.T) {
	for _, p := range packages(t) {
		if base := filepath.Base(p.ImportPath); slices.Contains([]string{"util", "utils", "common", "types", "helpers", "misc"}, base) {
			t.Errorf("package %s", p.ImportPath)
		}
	}
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
