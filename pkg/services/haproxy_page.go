package services

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/secret"
)

// login is what a login to the page sends, which must be masked like the password.
func (s Stats) login() secret.Value {
	if s.Password.Empty() {
		return secret.Value{}
	}
	return secret.New(base64.StdEncoding.EncodeToString([]byte(s.User + ":" + s.Password.Reveal())))
}

// haproxyByPage reads the statistics as CSV from the HTTP page.
func (a attempt) haproxyByPage(ctx context.Context) Observation {
	request, err := a.pageRequest(ctx)
	if err != nil {
		return a.failed(command.BadConfig, fmt.Sprintf("cannot make the request: %v", err))
	}
	a.Addr = request.URL.Host
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
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return a.failed(command.RemoteMonitorFailure, "status 401: the page does not accept the login")
	case response.StatusCode != http.StatusOK:
		return a.failed(command.RemoteMonitorFailure, fmt.Sprintf("status %d, not 200", response.StatusCode))
	}
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil && ctx.Err() != nil:
		return a.failed(command.RemoteMonitorFailure, "no complete body "+a.within())
	case err != nil && len(body) >= httpBodyLimit:
		return a.failed(command.RemoteMonitorFailure, fmt.Sprintf("the body is longer than %d MiB", httpBodyLimit>>20))
	case err != nil:
		return a.failed(command.RemoteMonitorFailure, "body broke off: "+a.why(ctx, err))
	}
	return a.haproxyJudge(make(map[string]any), string(body))
}

// pageRequest asks for the page as CSV.
func (a attempt) pageRequest(ctx context.Context) (*http.Request, error) {
	host, _, err := net.SplitHostPort(a.Addr)
	if err != nil {
		return nil, err
	}
	if a.Stats.Port == 0 {
		return nil, errors.New("the stats page has no port")
	}
	path := a.Stats.Path
	if !strings.HasSuffix(path, ";csv") {
		path += ";csv"
	}
	address := net.JoinHostPort(host, strconv.Itoa(int(a.Stats.Port)))
	request, err := HTTPCheck{Path: path}.request(ctx, address)
	if err == nil && a.Stats.User != "" {
		request.SetBasicAuth(a.Stats.User, a.Stats.Password.Reveal())
	}
	return request, err
}
