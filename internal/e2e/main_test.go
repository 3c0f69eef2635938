package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// programVariable is the environment variable with the path of the program under test.
const programVariable = "CLMGR_E2E_PROGRAM"

// program is the path of the program under test.
func program() string { return os.Getenv(programVariable) }

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(&mysql.NopLogger{}) // clients are cut off on purpose, and say so themselves
	os.Exit(withProgram(m.Run))
}

// withProgram builds the program, with the race detector, and has run use it.
func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "clmgr-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot make a folder for the program:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "clmgr")
	build := exec.Command("go", "build", "-race", "-o", program, "github.com/clmgr/clmgr/cmd/clmgr")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the program: %v\n%s", err, out)
		return 1
	}
	os.Setenv(programVariable, program)
	return run()
}
