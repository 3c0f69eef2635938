package ec2

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Credentials are what requests are signed with.
type Credentials struct {
	AccessKey string
	Secret    string
}

// maxSkew is how far the clocks of client and endpoint may be apart.
const maxSkew = 15 * time.Minute

// authorization is the header of a request signed with version 4.
type authorization struct {
	key, date, region, service string
	headers                    []string // signed, in order
	signature                  string
}

// readAuthorization reads "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request,
// SignedHeaders=a;b, Signature=hex".
func readAuthorization(header string) (authorization, bool) {
	var a authorization
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	if !ok {
		return a, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return a, false
			}
			a.key, a.date, a.region, a.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, a.signature != "" && slices.Contains(a.headers, "host")
}

// verify checks who signed the request and that it is as it was signed. Any region is
// taken: clients are configured with what they like.
func (c Credentials) verify(r *http.Request, body []byte, now time.Time) *Error {
	header := r.Header.Get("Authorization")
	if header == "" {
		return refuse("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	denied := refuse("AuthFailure", "AWS was not able to validate the provided access credentials")
	a, ok := readAuthorization(header)
	if !ok || a.key != c.AccessKey || a.service != "ec2" {
		return denied
	}
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	if err != nil || !strings.HasPrefix(stamp, a.date) {
		return denied
	}
	if skew := now.Sub(at).Abs(); skew > maxSkew {
		return refuse("RequestExpired", "Request has expired.")
	}
	scope := strings.Join([]string{a.date, a.region, a.service, "aws4_request"}, "/")
	canonical := sha256.Sum256([]byte(a.canonical(r, body)))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hex.EncodeToString(canonical[:])}, "\n")
	key := []byte("AWS4" + c.Secret)
	for _, part := range []string{a.date, a.region, a.service, "aws4_request", text} {
		key = mac(key, part)
	}
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(key)), []byte(a.signature)) != 1 {
		return denied
	}
	return nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// canonical is the form of a request that is signed.
func (a authorization) canonical(r *http.Request, body []byte) string {
	var b strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	b.WriteString(r.Method + "\n" + path + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range a.headers {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = r.Header.Get("Content-Length")
		}
		b.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	sum := sha256.Sum256(body)
	b.WriteString("\n" + strings.Join(a.headers, ";") + "\n" + hex.EncodeToString(sum[:]))
	return b.String()
}

func canonicalQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}
