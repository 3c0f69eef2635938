package store_test

import (
	"bufio"
	"bytes"
	"net"
	"strconv"
	"sync"
	"testing"
)

// proxy stands between a Store and a memcached and does with each request what
// the test says.
type proxy struct {
	t        testing.TB
	address  string
	upstream string

	mu     sync.Mutex
	decide func(*request)
}

// request is one request of a client. Unless it is forwarded or dropped, it is
// forwarded and answered.
type request struct {
	proxy  *proxy
	verb   string // "gets", "add", "cas"
	raw    []byte
	cut    bool // close the client's connection instead of an answer
	passed bool // the server has it, and answered
	answer []byte
}

// startProxy starts a proxy before m. It passes everything until told otherwise.
func startProxy(t testing.TB, m *memcachedServer) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, address: listener.Addr().String(), upstream: m.Address, decide: func(*request) {}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { client.Close() })
			all.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() { listener.Close() })
	return p
}

// on sets what happens to each request from now on.
func (p *proxy) on(decide func(*request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = decide
}

// onWrite lets the documents' writes through a function, and all else pass.
// Writes are counted from 1.
func (p *proxy) onWrite(decide func(n int, r *request)) {
	n := 0
	p.on(func(r *request) {
		// A pointer's key has two colons, a document's three.
		if head, _, _ := bytes.Cut(r.raw, []byte("\r\n")); r.verb != "gets" && bytes.Count(head, []byte(":")) == 3 {
			n++
			decide(n, r)
		}
	})
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	in := bufio.NewReader(client)
	for {
		r, err := readRequest(in)
		if err != nil {
			return
		}
		r.proxy = p
		p.mu.Lock()
		decide := p.decide
		decide(r)
		p.mu.Unlock()
		if r.cut {
			return
		}
		r.forward()
		if _, err := client.Write(r.answer); err != nil || len(r.answer) == 0 {
			return
		}
	}
}

// readRequest reads "gets KEY" or "add|cas KEY FLAGS 0 SIZE [CAS]" and its data.
func readRequest(in *bufio.Reader) (*request, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	words := bytes.Fields(line)
	r := &request{verb: string(words[0]), raw: line}
	if r.verb == "gets" {
		return r, nil
	}
	size, err := strconv.Atoi(string(words[4]))
	if err != nil {
		return nil, err
	}
	data := make([]byte, size+2)
	for read := 0; read < len(data); {
		n, err := in.Read(data[read:])
		if err != nil {
			return nil, err
		}
		read += n
	}
	r.raw = append(r.raw, data...)
	return r, nil
}

// forward sends the request and waits for the answer, once.
func (r *request) forward() {
	if r.passed {
		return
	}
	r.passed = true
	server, err := net.Dial("tcp", r.proxy.upstream)
	if err != nil {
		return
	}
	defer server.Close()
	if _, err := server.Write(r.raw); err != nil {
		return
	}
	out := bufio.NewReader(server)
	for {
		line, err := out.ReadBytes('\n')
		r.answer = append(r.answer, line...)
		if err != nil || r.verb != "gets" || bytes.Equal(line, []byte("END\r\n")) {
			return
		}
	}
}

// drop cuts the connection before the server has the request.
func (r *request) drop() { r.cut = true }

// swallow cuts the connection when the server has answered.
func (r *request) swallow() { r.forward(); r.cut = true }
