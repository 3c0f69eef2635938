package services_test

import (
	"testing"
)

// TestRealBalancers probes what stands before databases, and a Galera cluster, on real
// machines. The subtests share the machines and run in order.
func TestRealBalancers(t *testing.T) {
	b := newBench(t)
	t.Run("galera", b.testGalera)
	t.Run("mysql-proxy", b.testMySQLProxy)
	t.Run("haproxy", b.testHAProxy)
	t.Run("keepalived", b.testKeepalived)
}
