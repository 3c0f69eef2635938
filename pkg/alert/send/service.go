package send

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/secret"
)

// mostStuck is how many tries of one service may still be out there after their time:
// the library's calls cannot be cut short.
const mostStuck = 4

// service sends through shoutrrr.
type service struct {
	url     secret.Value
	scheme  string
	manager string
	hide    secret.Masker
	stuck   chan struct{} // has one for each try that goes on
}

func newService(address secret.Value, manager string) (*service, error) {
	if err := CheckService(address.Reveal()); err != nil {
		return nil, err
	}
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return nil, errors.New("it is not a URL")
	}
	return &service{
		url: address, scheme: schemeOf(u), manager: manager,
		hide: secret.NewMasker(pieces(u)...), stuck: make(chan struct{}, mostStuck),
	}, nil
}

func schemeOf(u *url.URL) string {
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	return strings.ToLower(scheme)
}

// asksAtOnce are the services that contact their server when they are set up.
func asksAtOnce() []string { return []string{"matrix"} }

// CheckService tells what is wrong with the URL of a service, without showing it.
// Nothing is contacted.
func CheckService(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return errors.New("it is not a URL such as slack://… or smtp://…")
	}
	scheme, known := schemeOf(u), (&router.ServiceRouter{}).ListServices()
	if !slices.Contains(known, scheme) {
		slices.Sort(known)
		return fmt.Errorf("there is no service %q, only %s", scheme, strings.Join(known, ", "))
	}
	if slices.Contains(asksAtOnce(), scheme) {
		return nil
	}
	if _, err := setUp(u); err != nil {
		return fmt.Errorf("%s does not take it: %s", scheme, short(secret.NewMasker(pieces(u)...).Text(err.Error())))
	}
	return nil
}

// setUp returns the service of a URL. The library's own way there, which knows what
// custom URLs such as generic+https://… stand for, does not say what is wrong with one.
func setUp(u *url.URL) (types.Service, error) {
	r := &router.ServiceRouter{}
	if u.Scheme != schemeOf(u) {
		return r.Locate(u.String())
	}
	to, err := r.NewService(u.Scheme)
	if err == nil {
		err = to.Initialize(u, nil)
	}
	return to, err
}

// words are what a secret in a URL may be cut into.
var words = regexp.MustCompile(`[A-Za-z0-9]+`)

// shortestPiece is the length of the shortest part of a secret that is hidden by itself.
const shortestPiece = 6

// pieces are what a URL has that may be secret, whole and in the parts that a service
// makes its own addresses of. A host with a dot is a name, and shown.
func pieces(u *url.URL) []secret.Value {
	texts := []string{u.String(), u.Redacted(), strings.Trim(u.Path, "/"), u.RawQuery}
	if u.User != nil {
		password, _ := u.User.Password()
		texts = append(texts, u.User.String(), u.User.Username(), password)
	}
	for _, values := range u.Query() {
		texts = append(texts, values...)
	}
	if !strings.Contains(u.Hostname(), ".") && u.Hostname() != "localhost" {
		texts = append(texts, u.Hostname())
	}
	var out []secret.Value
	for _, text := range texts {
		out = append(out, secret.New(text))
		for _, piece := range words.FindAllString(text, -1) {
			if len(piece) >= shortestPiece && piece != schemeOf(u) && !strings.Contains(u.Hostname(), piece) {
				out = append(out, secret.New(piece))
			}
		}
	}
	return out
}

func (s *service) send(ctx context.Context, l letter) error {
	select {
	case s.stuck <- struct{}{}:
	default:
		return fmt.Errorf("%d earlier tries have not come back yet", mostStuck)
	}
	result := make(chan error, 1)
	go func() {
		defer func() { <-s.stuck }()
		result <- s.call(l)
	}()
	select {
	case err := <-result:
		if err != nil {
			return errors.New(short(s.hide.Text(err.Error())))
		}
		return nil
	case <-ctx.Done():
		return cutShort(ctx)
	}
}

// call sets the service up anew, which keeps nothing between two letters.
func (s *service) call(l letter) error {
	u, err := url.Parse(s.url.Reveal())
	if err != nil {
		return errors.New("it is not a URL")
	}
	to, err := setUp(u)
	if err != nil {
		return err
	}
	return to.Send(s.body(l), s.params(l))
}

// params are what a service is told besides the text, as far as it knows it.
func (s *service) params(l letter) *types.Params {
	p := types.Params{}
	switch s.scheme {
	case "pagerduty":
		p["dedup_key"], p["severity"], p["source"], p["action"] = l.message.Incident, "info", s.manager, "trigger"
		switch l.message.Severity {
		case alert.Critical, alert.Warning:
			p["severity"] = string(l.message.Severity)
		}
		if l.message.What == alert.Ended {
			p["action"] = "resolve"
		}
	case "smtp":
		p.SetTitle(mime.QEncoding.Encode("utf-8", l.title))
	case "opsgenie":
		p["alias"] = l.message.Incident
	default:
	}
	return &p
}

// body is the text, below the title where the service has no place for one.
func (s *service) body(l letter) string {
	if s.scheme == "smtp" {
		return l.text
	}
	return l.title + "\n" + l.text
}
