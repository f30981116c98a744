// Package send posts signed events to a receiver as the platform does, many at once or as a story, and shows the answers and what
// became of the events. Package sample makes the events; cmd/inorder reads flags and settings.
package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/sample"
	"inorder/internal/webhooks/secrets"
)

// MaxConcurrency is how many deliveries may be under way at once.
const MaxConcurrency = 256

// Delivery is one POST as the platform makes it.
type Delivery struct {
	Type, OrderID, EventID string // for people; EventID is also the Idempotency-Key, unless empty
	Body                   []byte
	BadSignature           bool
}

// DeliveryOf returns the delivery of a sample event. The options must have the event's ID and time.
func DeliveryOf(o sample.Options) Delivery {
	return Delivery{Type: o.Type, OrderID: o.OrderID, EventID: o.ID, Body: sample.Event(o)}
}

// answer is the receiver's answer to a delivery, or why there was none.
type answer struct {
	status int
	says   string // the result of a 200, else the body's first line
	took   time.Duration
	err    error
}

func (a answer) String() string {
	if a.err != nil {
		return "no answer: " + a.err.Error()
	}
	return fmt.Sprintf("%d %s", a.status, a.says)
}

// asExpected reports whether the delivery was taken or, if refused is not 0, answered with exactly that status.
func (a answer) asExpected(refused int) bool {
	if refused != 0 {
		return a.status == refused
	}
	return a.status/100 == 2
}

// nobodyListens reports whether the connection was refused.
func (a answer) nobodyListens() bool { return errors.Is(a.err, syscall.ECONNREFUSED) }

// Client posts deliveries to one receiver.
type Client struct {
	http   *http.Client
	url    string
	secret string
}

// NewClient returns a client of the receiver at base, a URL with a path if that is not the usual one. It signs with the secret.
func NewClient(base, secret string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("--url %q is not an http or https URL; for example http://127.0.0.1:3000", base)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = delivery.Path
	}
	// By default only two idle connections are kept, so most would be closed and opened again all the time.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = MaxConcurrency
	return &Client{&http.Client{Transport: transport, Timeout: 30 * time.Second}, u.String(), secret}, nil
}

func (c *Client) post(ctx context.Context, d Delivery) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(d.Body))
	if err != nil {
		return answer{err: err}
	}
	secret := c.secret
	if d.BadSignature {
		secret = "not " + secret
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "inorder-send")
	request.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, d.Body))
	if d.EventID != "" {
		request.Header.Set("Idempotency-Key", d.EventID)
	}
	began := time.Now()
	response, err := c.http.Do(request)
	if err != nil {
		return answer{err: err, took: time.Since(began)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	a := answer{status: response.StatusCode, says: response.Header.Get(delivery.ResultHeader), took: time.Since(began), err: err}
	if a.says == "" {
		a.says, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
	}
	return a
}

func (c *Client) errNobodyListens() error {
	return fmt.Errorf("nothing listens at %s: is `inorder serve` running? Set --url or RECEIVER_URL if it is elsewhere", c.url)
}

// failures are the deliveries that were not answered as expected.
type failures struct {
	all          int
	unauthorized int // of these: answered 401, and should have been taken
}

func (f *failures) count(a answer, refused int) {
	if a.asExpected(refused) {
		return
	}
	f.all++
	if refused == 0 && a.status == http.StatusUnauthorized {
		f.unauthorized++
	}
}

// hint returns what follows the number of failures in an error: what a 401 means and how to end it, or "" without any.
func (f failures) hint(c *Client) string {
	if f.unauthorized == 0 {
		return ""
	}
	return fmt.Sprintf("; 401: the receiver does not know the secret called %s, the first of WEBHOOK_SECRETS, or something in between changed the body. "+
		"The receiver logs the names of its valid secrets, and `inorder hooks secrets list` shows them; set WEBHOOK_SECRETS here to one that it has, "+
		"after make run with: set -a; . .dev/env; set +a", secrets.Name(c.secret))
}
