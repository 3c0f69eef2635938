package send

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// The headers of a webhook.
const (
	// HeaderID has the message's id, the same in every try.
	HeaderID = "Idempotency-Key"
	// HeaderTime has when the try was made, in seconds since 1970.
	HeaderTime = "Clmgr-Timestamp"
	// HeaderSignature has "v1=" and Signature in hexadecimal digits.
	HeaderSignature = "Clmgr-Signature"
)

// Signature is what a webhook's receiver compares: HMAC-SHA256, under the key that both
// know, of the time header's text, a dot, and the body.
func Signature(key secret.Value, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write([]byte(timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// webhook posts documents.
type webhook struct {
	url    string
	key    secret.Value
	client *http.Client
}

func newWebhook(w Webhook) (*webhook, error) {
	if err := CheckWebhook(w.URL.Reveal()); err != nil {
		return nil, err
	}
	// A redirect is an answer like any other that is not 2xx: who is told is the operator's word.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &webhook{url: w.URL.Reveal(), key: w.Key, client: client}, nil
}

// CheckWebhook tells what is wrong with the URL of a webhook, without showing it.
func CheckWebhook(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("it is not a URL such as https://example.com/path")
	}
	return nil
}

func (w *webhook) send(ctx context.Context, l letter) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(l.document))
	if err != nil {
		return w.hidden(err)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "clmgr")
	req.Header.Set(HeaderID, l.message.ID)
	req.Header.Set(HeaderTime, stamp)
	if !w.key.Empty() {
		req.Header.Set(HeaderSignature, "v1="+hex.EncodeToString(Signature(w.key, stamp, l.document)))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return w.hidden(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	return judge(resp, time.Now())
}

// hidden is an error without the URL, which may hold a token.
func (w *webhook) hidden(err error) error {
	var odd *url.Error
	if errors.As(err, &odd) {
		err = odd.Err
	}
	return fmt.Errorf("cannot post: %w", err)
}

// longestAfter bounds what a place may ask for: it is to be tried once more before its
// message is given up.
const longestAfter = time.Hour

// judge says what an answer means.
func judge(resp *http.Response, now time.Time) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	err := fmt.Errorf("it answered %s", resp.Status)
	if after := retryAfter(resp.Header.Get("Retry-After"), now); after > 0 {
		return &laterError{min(after, longestAfter), err}
	}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &refusedError{err}
	}
	return err
}

// retryAfter reads the header (RFC 9110, 10.2.3): seconds or a date; 0 for neither.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
