package e2e_test

import (
	"encoding/json"
	"os"
	"testing"
)

// stored returns the entries a manager remembers of the cluster demo. Times are
// exact there, to the nanosecond, unlike in a printed document.
func stored(t *testing.T, m *manager) map[string]entry {
	t.Helper()
	var record struct {
		Status document `json:"status"`
	}
	must(t, json.Unmarshal(read(t, m.record("demo")), &record))
	return record.Status.entries()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}
