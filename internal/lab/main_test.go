package lab_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
)

// The test binary is its own child: with this variable set it brings a lab up, or builds
// an image, and then waits to be killed.
const childVariable = "CLMGR_LAB_TEST_CHILD"

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		os.Exit(child(name))
	}
	os.Exit(m.Run())
}

func child(name string) int {
	ctx := context.Background()
	var err error
	if name == "image" {
		_, err = oddImage().Build(ctx, os.Stdout)
	} else {
		_, err = lab.Up(ctx, lab.Options{
			Name: name, Ephemeral: true, Progress: os.Stdout,
			Machines: []lab.Spec{{Name: "m1", Image: lab.Databases()}, {Name: "m2", Image: lab.Databases()}},
		})
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	select {}
}
