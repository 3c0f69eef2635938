package ec2

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/google/renameio/v2"
)

// readState reads the state of an earlier endpoint; nil where there was none.
func readState(path string) (*state, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // none is not a failure
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is not a failure
	}
	if err != nil {
		return nil, err
	}
	s := newState("", netip.Prefix{}, netip.Prefix{})
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return s, nil
}

// write puts the state on disk, whole or not at all.
func (s *state) write(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, text, 0o600)
}

// Place is where a server's instances are.
type Place struct{ VPC, Subnet string }

// ReadPlace reads it from a server's File.
func ReadPlace(file string) (Place, error) {
	s, err := readState(file)
	if err != nil {
		return Place{}, err
	}
	if s == nil {
		return Place{}, fmt.Errorf("cannot read the endpoint's state: there is no %s", file)
	}
	return Place{VPC: s.Place.VPC, Subnet: s.Place.Subnet}, nil
}
