package labtest

import (
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
)

// API opens the lab's EC2 endpoint in this process; it closes before the lab goes down.
// With Up and no machines it begins empty.
func API(t testing.TB, l *lab.Lab) *lab.API {
	t.Helper()
	api, err := l.OpenAPI(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	return api
}
