package services

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"

	"github.com/clmgr/clmgr/pkg/command"
)

const (
	httpHeaderLimit = 64 << 10 // bytes of status line and headers, interim answers included
	httpBodyLimit   = 1 << 20  // bytes of body compared
	httpInterim     = 5        // 1xx answers taken before the real one
)

// httpProbe returns the probe of an HTTP check. It speaks over the one connection it
// dialled itself rather than through a transport: no pool, proxy, redirect or second
// dial can come in, and nothing is left behind.
func httpProbe(c HTTPCheck, expect *regexp.Regexp) func(context.Context, attempt) Observation {
	return func(ctx context.Context, a attempt) Observation {
		request, err := c.request(ctx, a.Addr)
		if err != nil {
			return a.failed(command.BadConfig, fmt.Sprintf("cannot make the request: %v", err))
		}
		conn, done, failure := a.dial(ctx, command.DatabaseCommFailure)
		if failure != nil {
			return *failure
		}
		defer done()
		heard := &hearing{Conn: conn}
		response, err := exchange(ctx, heard, request)
		if err != nil {
			return a.httpBroken(ctx, heard, err)
		}
		defer response.Body.Close()
		return a.httpJudge(ctx, c, expect, response)
	}
}

// request builds the request, with everything that is left out filled in.
func (c HTTPCheck) request(ctx context.Context, addr string) (*http.Request, error) {
	scheme, path := "http", c.Path
	if c.TLS {
		scheme = "https"
	}
	if path == "" {
		path = "/"
	}
	if path[0] != '/' {
		return nil, fmt.Errorf("path %q does not begin with /", path)
	}
	request, err := http.NewRequestWithContext(ctx, c.Method, scheme+"://"+addr+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	if c.Host != "" {
		request.Host = c.Host
	}
	request.Header.Set("User-Agent", "clmgr")
	request.Close = true
	return request, nil
}

// hearing remembers whether the far side said anything.
type hearing struct {
	net.Conn
	any bool
}

// Read reads from the connection.
func (h *hearing) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.any = h.any || n > 0
	return n, err
}

// exchange sends the request and reads the answer's head; the body is left to be read.
func exchange(ctx context.Context, conn net.Conn, request *http.Request) (*http.Response, error) {
	if request.URL.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{ServerName: serverName(request.Host), MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("no TLS connection: %w", err)
		}
		conn = secure
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: httpHeaderLimit}
	reader := bufio.NewReader(limited)
	for range httpInterim {
		response, err := http.ReadResponse(reader, request)
		if err != nil {
			if limited.N <= 0 {
				err = fmt.Errorf("headers longer than %d KiB", httpHeaderLimit>>10)
			}
			return nil, err
		}
		if response.StatusCode >= 200 {
			limited.N += httpBodyLimit
			return response, nil
		}
		response.Body.Close()
	}
	return nil, errors.New("interim answers only")
}

// serverName is the host without a port.
func serverName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// httpBroken is the observation of an answer that did not come, or was no HTTP.
func (a attempt) httpBroken(ctx context.Context, heard *hearing, err error) Observation {
	switch {
	case !heard.any:
		return a.silence(ctx, command.DatabaseCommFailure, err)
	case ctx.Err() != nil:
		return a.failed(command.RemoteMonitorFailure, "no complete answer "+a.within())
	}
	return a.failed(command.RemoteMonitorFailure, "not the answer expected: "+a.why(ctx, err))
}

// httpJudge compares an answer with what the check wants.
func (a attempt) httpJudge(ctx context.Context, c HTTPCheck, expect *regexp.Regexp, r *http.Response) Observation {
	const code = command.RemoteMonitorFailure
	facts := map[string]any{"http_status": int64(r.StatusCode)}
	switch {
	case c.Status != 0 && r.StatusCode != c.Status:
		return Observation{Code: code, Facts: facts, Reason: fmt.Sprintf("status %d, not %d", r.StatusCode, c.Status)}
	case c.Status == 0 && r.StatusCode/100 != 2:
		return Observation{Code: code, Facts: facts, Reason: fmt.Sprintf("status %d, not 2xx", r.StatusCode)}
	case expect == nil:
		return Observation{Code: command.OK, Facts: facts}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, httpBodyLimit))
	switch {
	case expect.Match(body):
		return Observation{Code: command.OK, Facts: facts}
	case err != nil && ctx.Err() != nil:
		return Observation{Code: code, Facts: facts, Reason: "no complete body " + a.within()}
	case err != nil && len(body) < httpBodyLimit:
		return Observation{Code: code, Facts: facts, Reason: "body broke off: " + a.why(ctx, err)}
	}
	return Observation{Code: code, Facts: facts, Reason: fmt.Sprintf("body does not match %q: %s", expect, a.sample(body))}
}
