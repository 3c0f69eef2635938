package config

import (
	"strings"
	"testing"
)

// A password that an alias brings to another key is not quoted in its mistake.
func TestAliasedPasswordIsMasked(t *testing.T) {
	_, err := Parse("clmgr.yaml", []byte("clusters: {c: {database: {user: u, password: &p hunter2hunter2, tls: *p}, instances: [{name: m, ip: 10.0.0.1}]}}"), Known{Drivers: []string{"LOCAL"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "xxx") {
		t.Errorf("%v", err)
	}
}
