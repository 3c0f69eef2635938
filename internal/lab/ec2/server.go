package ec2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Options describe an endpoint.
type Options struct {
	Credentials Credentials
	Machines    Machines     // nil: NoMachines
	Prefix      netip.Prefix // of the subnet, a /24
	Public      netip.Prefix // elastic addresses come from it
	Images      []Image
	Seed        string    // of the ids of a new state
	File        string    // keeps the state; empty: nothing does
	Existing    []Machine // become running instances of a new state
	Log         io.Writer // nil: nothing is logged
}

// Server is the endpoint: an http.Handler, and what moves the machines.
type Server struct {
	options Options
	actions map[string]action
	door    http.Handler

	ctx     context.Context // ends with the server; drivers outlive requests
	stop    context.CancelFunc
	drivers sync.WaitGroup

	mu     sync.Mutex
	state  *state
	dice   *dice
	news   map[string]fresh
	calls  Calls
	driven map[string]bool // instances that have a driver
	serial uint64          // of requests
}

// New makes an endpoint, with the state of an earlier one where the file has it, and goes
// on with what that was about to do.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Machines == nil {
		o.Machines = NoMachines{}
	}
	kept, err := readState(o.File)
	if err != nil {
		return nil, fmt.Errorf("cannot start the EC2 endpoint: %w", err)
	}
	s := &Server{
		options: o, actions: actions(),
		state: kept, dice: newDice(Faults{}), news: map[string]fresh{}, calls: newCalls(), driven: map[string]bool{},
	}
	if kept == nil {
		s.state = newState(o.Seed, o.Prefix, o.Public)
		s.state.adopt(o.Existing, time.Now())
	}
	if err := errors.Join(s.state.write(o.File), o.Machines.Deliver(ctx, s.state.network())); err != nil {
		return nil, fmt.Errorf("cannot start the EC2 endpoint: %w", err)
	}
	s.door = s.sideDoor()
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drive()
	return s, nil
}

// Close stops the drivers where they are and waits for them; the state stays on disk.
func (s *Server) Close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.drivers.Wait()
}

// ServeHTTP answers the API, and the side door below /_lab/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_lab/") {
		s.door.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	s.serial++
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", time.Now().Unix(), s.serial)
	s.mu.Unlock()
	begin := time.Now()
	body, err := s.answer(r, id)
	s.sleep(r.Context(), leastTime-time.Since(begin))
	var refused *Error
	switch {
	case err == nil:
		s.send(w, http.StatusOK, body)
	case errors.As(err, &refused):
		s.sendError(w, id, refused)
	default:
		panic(http.ErrAbortHandler) // cut the connection
	}
}

// leastTime is what a call takes at least, much less than any call over a network. The
// SDK for Go closes the body of its request when it has the answer; where that is before
// its transport saw the body's end, the connection is dropped with the answer half read.
const leastTime = 10 * time.Millisecond

// sleep waits; false means that nobody waits for the answer any more.
func (s *Server) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}

// errCut is the end of a call whose connection is cut.
var errCut = errors.New("the connection is cut")

// answer does what a request asks for. An *Error is answered; at any other the
// connection is cut.
func (s *Server) answer(r *http.Request, id string) ([]byte, error) {
	p, err := s.read(r)
	if err != nil {
		s.count(err)
		return nil, err
	}
	v := s.decide(p)
	if v.effect == Hung {
		v.delay = 1 << 62
	}
	if !s.sleep(r.Context(), v.delay) {
		return nil, errCut
	}
	switch v.effect {
	case Refused:
		err = refuse(v.code, "%s", wording(v.code))
	case Broken:
		err = refuse("InternalError", "%s", wording("InternalError"))
	case Cut:
		return nil, errCut
	}
	var answer reply
	if err == nil {
		answer, err = s.perform(r.Context(), p)
	}
	s.count(err)
	if v.effect == Lost {
		return nil, errCut
	}
	if err != nil {
		return nil, err
	}
	return encodeReply(p["Action"], id, answer)
}

// maxBody is more than any request of maxParams has.
const maxBody = 1 << 20

// read takes the parameters from the body or, with GET, from the URL, and checks the
// signature.
func (s *Server) read(r *http.Request) (params, *Error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, refuse("InvalidRequest", "The request is larger than %d bytes or incomplete.", maxBody)
	}
	query := string(body)
	if r.Method == http.MethodGet {
		query = r.URL.RawQuery
	}
	p, refused := parseParams(query)
	if refused == nil {
		refused = s.options.Credentials.verify(r, body, time.Now())
	}
	return p, refused
}

// decide counts a call and says which fault it meets.
func (s *Server) decide(p params) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.Total++
	s.calls.Actions[p["Action"]]++
	b, err := readBookmark(p)
	if err != nil {
		b.Page = 1
	}
	return s.dice.next(p["Action"], b.Page)
}

// perform executes an action; the new state is on disk before anybody hears of it.
func (s *Server) perform(ctx context.Context, p params) (reply, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := call{
		params: p, now: time.Now(), images: s.options.Images,
		alive: s.options.Machines.Alive, screen: s.options.Machines.Screen,
	}
	if a, ok := s.actions[p["Action"]]; ok && !a.changes {
		c.view = look(s.news, c.now)
	}
	next, answer, refused := perform(s.actions, s.state, c)
	if refused != nil {
		return nil, refused
	}
	if next == s.state {
		return answer, nil
	}
	note(s.news, s.dice.faults, s.state, next, c.now)
	if err := s.commit(context.WithoutCancel(ctx), next); err != nil {
		s.log("%s: %v", p["Action"], err)
		return nil, refuse("InternalError", "%s", wording("InternalError"))
	}
	return answer, nil
}

// commit makes a state the one in force: on disk, in the network, and for the drivers.
// Call it locked.
func (s *Server) commit(ctx context.Context, next *state) error {
	if err := next.write(s.options.File); err != nil {
		return err
	}
	was, now := s.state.network(), next.network()
	s.state = next
	s.drive()
	if was.equal(now) {
		return nil
	}
	return s.options.Machines.Deliver(ctx, now)
}

func (s *Server) send(w http.ResponseWriter, code int, body []byte) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(code)
	if _, err := w.Write(body); err != nil {
		s.log("cannot answer: %v", err)
	}
}

func (s *Server) sendError(w http.ResponseWriter, id string, e *Error) {
	body, err := encodeError(id, e)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.send(w, status(e.Code), body)
}

func (s *Server) log(format string, args ...any) {
	if s.options.Log != nil {
		fmt.Fprintf(s.options.Log, "ec2: "+format+"\n", args...)
	}
}
