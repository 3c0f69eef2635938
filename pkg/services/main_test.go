package services_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestMain makes the certificate of httptest's servers one that this process trusts,
// so that verified TLS can be tested without a way around verification.
func TestMain(m *testing.M) {
	os.Exit(runTrusting(m))
}

func runTrusting(m *testing.M) int {
	dir, err := os.MkdirTemp("", "services-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	server.Close()
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, certificate, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv("SSL_CERT_FILE", roots)
	return m.Run()
}
