package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Source is where queries are asked: a Prometheus, or what speaks its HTTP API.
type Source struct {
	URL      string // http or https, with a path where it lives under one
	User     string // with Password, for basic authentication; "" for none
	Password secret.Value
	Token    secret.Value // a bearer token; empty for none
}

// sample is one series of an answer.
type sample struct {
	labels map[string]string // none for a scalar or a string
	value  string            // as Prometheus writes it: 1.5, NaN, +Inf
}

const (
	answerLimit = 16 << 20 // bytes of one answer that are read
	seriesLimit = 1000     // series of one query that are watched
)

// prometheus asks instant queries. It is smaller than the client of Prometheus, which
// brings a JSON library that nobody keeps any more, and it bounds what it reads.
type prometheus struct{ client *http.Client }

// newPrometheus returns a client that keeps connections, takes no proxy from the
// environment and follows no redirect, so that a token goes to the given URL only.
func newPrometheus() *prometheus {
	return &prometheus{client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// query asks for the value of an expression now. See
// https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
func (p *prometheus) query(ctx context.Context, s Source, expression string) ([]sample, error) {
	body := strings.NewReader(url.Values{"query": {expression}}.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.URL, "/")+"/api/v1/query", body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "clmgr")
	switch {
	case !s.Token.Empty():
		request.Header.Set("Authorization", "Bearer "+s.Token.Reveal())
	case s.User != "":
		request.SetBasicAuth(s.User, s.Password.Reveal())
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer broke off: %w", err)
	case len(text) > answerLimit:
		return nil, errors.New("the answer is larger than 16 MiB")
	}
	samples, err := readAnswer(text)
	if err != nil && response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %w", response.StatusCode, err)
	}
	return samples, err
}

// answer is the API's.
type answer struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	} `json:"data"`
}

// readAnswer reads the answer to an instant query.
func readAnswer(text []byte) ([]sample, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, errors.New("the answer is not that of a Prometheus")
	}
	if a.Status != "success" {
		return nil, fmt.Errorf("%s: %s", oneLine(a.ErrorType, longestText), oneLine(a.Error, longestText))
	}
	switch a.Data.ResultType {
	case "scalar", "string":
		v, err := readPair(a.Data.Result)
		return []sample{{value: v}}, err
	case "vector":
		return readVector(a.Data.Result)
	}
	return nil, fmt.Errorf("the result is a %s, wanted a scalar, a string or an instant vector", oneLine(a.Data.ResultType, longestText))
}

func readVector(text json.RawMessage) ([]sample, error) {
	var series []struct {
		Metric map[string]string `json:"metric"`
		Value  json.RawMessage   `json:"value"`
	}
	if err := json.Unmarshal(text, &series); err != nil {
		return nil, errors.New("the result is a vector in another form")
	}
	if len(series) > seriesLimit {
		return nil, fmt.Errorf("the result has %d series, watched are %d at most", len(series), seriesLimit)
	}
	samples := make([]sample, len(series))
	for n, s := range series {
		v, err := readPair(s.Value)
		if err != nil {
			return nil, err
		}
		samples[n] = sample{labels: s.Metric, value: v}
	}
	return samples, nil
}

// readPair reads [time, "value"].
func readPair(text json.RawMessage) (string, error) {
	var pair []json.RawMessage
	var v string
	if json.Unmarshal(text, &pair) != nil || len(pair) != 2 || json.Unmarshal(pair[1], &v) != nil {
		return "", errors.New("the result has a series without a value")
	}
	return v, nil
}
