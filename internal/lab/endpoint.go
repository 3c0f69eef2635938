package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/renameio/v2"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// Endpoint is where a lab's EC2 API is, and what its requests are signed with.
type Endpoint struct {
	Port      uint16 `json:"port"` // on 127.0.0.1 and on the host's address in the lab
	AccessKey string `json:"access_key"`
	Secret    string `json:"secret"`
}

// URL is the endpoint's address on this host.
func (e Endpoint) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", e.Port) }

// Endpoint is the lab's EC2 endpoint; false where it never had one.
func (l *Lab) Endpoint() (Endpoint, bool) {
	if l.state.Endpoint == nil {
		return Endpoint{}, false
	}
	return *l.state.Endpoint, true
}

// CredentialsFile is a shared credentials file of AWS for the endpoint.
func (l *Lab) CredentialsFile() string { return filepath.Join(l.Dir(), "aws-credentials") }

// apiState is where the endpoint keeps its state.
func (l *Lab) apiState() string { return filepath.Join(l.Dir(), "ec2.json") }

// API is a lab's running endpoint. Its embedded server has the Go side of the side door.
type API struct {
	*ec2.Server
	http      *http.Server
	listeners []net.Listener
	lock      io.Closer
	failed    chan error
}

// OpenAPI starts the lab's EC2 endpoint in this process, at the address it had before
// where it had one; the machines of the lab become instances when it starts for the first
// time. There is one at a time. Close it before the lab goes down.
func (l *Lab) OpenAPI(ctx context.Context, log io.Writer) (*API, error) {
	a, err := l.openAPI(ctx, log)
	if err != nil {
		return nil, fmt.Errorf("cannot open the EC2 endpoint of lab %s: %w", l.Name(), err)
	}
	return a, nil
}

func (l *Lab) openAPI(ctx context.Context, log io.Writer) (a *API, err error) {
	a = &API{failed: make(chan error, 2)}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if a.lock, err = lockFile(short, filepath.Join(l.Dir(), "ec2.lock")); err != nil {
		return a, err
	}
	err = l.change(ctx, func() error {
		port := uint16(0)
		if l.state.Endpoint != nil {
			port = l.state.Endpoint.Port
		}
		if a.listeners, port, err = listenTwice(ctx, l.HostIP(), port); err != nil {
			return err
		}
		return l.name(port)
	})
	if err != nil {
		return a, err
	}
	if a.Server, err = ec2.New(ctx, l.apiOptions(log)); err != nil {
		return a, err
	}
	a.http = &http.Server{Handler: a.Server, ReadHeaderTimeout: 10 * time.Second}
	for _, on := range a.listeners {
		go func() { a.failed <- a.http.Serve(on) }()
	}
	return a, nil
}

// name records the endpoint, with new credentials where it has none yet.
func (l *Lab) name(port uint16) error {
	if l.state.Endpoint == nil {
		l.state.Endpoint = &Endpoint{AccessKey: "AKIA" + rand.Text()[:16], Secret: rand.Text() + rand.Text()[:14]}
	}
	e := l.state.Endpoint
	e.Port = port
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", e.AccessKey, e.Secret)
	return renameio.WriteFile(l.CredentialsFile(), []byte(text), 0o600)
}

func (l *Lab) apiOptions(log io.Writer) ec2.Options {
	o := ec2.Options{
		Credentials: ec2.Credentials{AccessKey: l.state.Endpoint.AccessKey, Secret: l.state.Endpoint.Secret},
		Machines:    cloud{l.Name()}, Prefix: subnet(l.state.Subnet),
		Public: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, l.state.Subnet, 0}), 24),
		Seed:   rand.Text(), File: l.apiState(), Log: log,
	}
	for _, i := range Images() {
		o.Images = append(o.Images, ec2.Image{Name: i.Name, Description: "Debian " + i.Suite})
	}
	for _, m := range l.machines {
		// The directory of an image is its name with a hash of twelve digits.
		base := filepath.Base(m.image)
		o.Existing = append(o.Existing, ec2.Machine{Name: m.name, Image: base[:max(0, len(base)-13)], Address: m.IP()})
	}
	return o
}

// listenTwice listens on loopback and on the host's address in the lab, at one port.
func listenTwice(ctx context.Context, host netip.Addr, port uint16) ([]net.Listener, uint16, error) {
	var config net.ListenConfig
	for range 10 {
		first, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
		if err != nil {
			return nil, 0, err
		}
		at := first.Addr().(*net.TCPAddr).AddrPort().Port()
		second, err := config.Listen(ctx, "tcp4", netip.AddrPortFrom(host, at).String())
		if err == nil {
			return []net.Listener{first, second}, at, nil
		}
		first.Close()
		if port != 0 {
			return nil, 0, err
		}
	}
	return nil, 0, errors.New("no port is free on both addresses")
}

// Wait returns when ctx is over (nil) or the endpoint cannot go on.
func (a *API) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return fmt.Errorf("cannot serve the EC2 endpoint: %w", err)
	}
}

// Close ends the endpoint. What it had begun goes on when it is opened again.
func (a *API) Close() {
	for _, on := range a.listeners {
		on.Close()
	}
	if a.http != nil {
		a.http.Close()
	}
	if a.Server != nil {
		a.Server.Close()
	}
	if a.lock != nil {
		a.lock.Close()
	}
}
