package ec2

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Calls are the calls of the API since the endpoint started or the count was reset, those
// that met a fault among them. Requests with a bad signature are only counted as errors.
type Calls struct {
	Total   int            `json:"total"`
	Actions map[string]int `json:"actions"`
	Errors  map[string]int `json:"errors"` // by code
}

func newCalls() Calls { return Calls{Actions: map[string]int{}, Errors: map[string]int{}} }

// Virtual is an instance without a machine, as other people's are.
type Virtual struct {
	Name   string            `json:"name"`            // the tag Name
	IP     netip.Addr        `json:"ip"`              // any, in a subnet of its own
	State  string            `json:"state,omitempty"` // running unless given
	VPC    string            `json:"vpc,omitempty"`
	Subnet string            `json:"subnet,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
}

// SetFaults replaces the faults in force.
func (s *Server) SetFaults(f Faults) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("cannot set faults: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dice = newDice(f)
	s.drive()
	return nil
}

// Faults returns the faults in force.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dice.faults
}

// Calls returns the count of calls.
func (s *Server) Calls() Calls {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Calls{s.calls.Total, maps.Clone(s.calls.Actions), maps.Clone(s.calls.Errors)}
}

// ResetCalls begins the count anew.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = newCalls()
}

// AddVirtual adds instances that have no machine, and returns their ids.
func (s *Server) AddVirtual(list []Virtual) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state.clone()
	var ids []string
	for _, v := range list {
		id, err := next.addVirtual(v, time.Now())
		if err != nil {
			return nil, fmt.Errorf("cannot add instance %s: %w", v.Name, err)
		}
		ids = append(ids, id)
	}
	if err := s.commit(s.ctx, next); err != nil {
		return nil, fmt.Errorf("cannot add instances: %w", err)
	}
	return ids, nil
}

// count notes how a call ended.
func (s *Server) count(refused *Error) {
	if refused != nil {
		s.mu.Lock()
		s.calls.Errors[refused.Code]++
		s.mu.Unlock()
	}
}

// sideDoor is what is not of the API, for this host only: machines of the lab reach the
// endpoint too.
func (s *Server) sideDoor() http.Handler {
	door := http.NewServeMux()
	door.HandleFunc("GET /_lab/faults", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.Faults()) })
	door.HandleFunc("PUT /_lab/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Faults
		if hear(w, r, &f) {
			tellOr(w, f, s.SetFaults(f))
		}
	})
	door.HandleFunc("DELETE /_lab/faults", func(w http.ResponseWriter, _ *http.Request) {
		tellOr(w, Faults{}, s.SetFaults(Faults{}))
	})
	door.HandleFunc("GET /_lab/calls", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.Calls()) })
	door.HandleFunc("DELETE /_lab/calls", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetCalls()
		tell(w, s.Calls())
	})
	door.HandleFunc("POST /_lab/instances", func(w http.ResponseWriter, r *http.Request) {
		var list []Virtual
		if hear(w, r, &list) {
			ids, err := s.AddVirtual(list)
			tellOr(w, ids, err)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromHere(r) {
			http.Error(w, "only this host may use this", http.StatusForbidden)
			return
		}
		door.ServeHTTP(w, r)
	})
}

// fromHere tells whether a request comes from the address it goes to, or from loopback.
func fromHere(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	to, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if from.Addr().Unmap().IsLoopback() || !ok {
		return from.Addr().Unmap().IsLoopback()
	}
	local, err := netip.ParseAddrPort(to.String())
	return err == nil && local.Addr().Unmap() == from.Addr().Unmap()
}

// hear reads the JSON of a request; what it does not know is refused, for a misspelt
// fault would never strike.
func hear(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func tellOr(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	tell(w, answer)
}

func tell(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // a client that left hears nothing
}
