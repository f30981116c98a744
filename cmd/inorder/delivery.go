package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/webhooks/secrets"
)

// request is one POST as the platform makes it.
type request struct {
	eventType, orderID, eventID string // for people; eventID is also the Idempotency-Key, unless empty
	body                        []byte
	badSignature                bool
}

// answer is what a delivery was answered, or why there was no answer.
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

// asExpected reports whether the delivery was taken, or refused with exactly that status if it is not 0.
func (a answer) asExpected(refused int) bool {
	if refused != 0 {
		return a.status == refused
	}
	return a.status/100 == 2
}

// sender posts deliveries to one receiver.
type sender struct {
	client *http.Client
	url    string
	secret string
}

// newSender takes the receiver's URL, with a path if it is not the usual one.
func newSender(base, secret string) (*sender, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("--url %q is not an http or https URL; for example http://127.0.0.1:3000", base)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = delivery.Path
	}
	// As many idle connections as there may be senders, or most would be closed and opened again all the time.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxConcurrency
	return &sender{&http.Client{Transport: transport, Timeout: 30 * time.Second}, u.String(), secret}, nil
}

// unknown explains why a delivery that should be taken was answered 401.
func (s *sender) unknown() string {
	return fmt.Sprintf("401: the receiver does not know the secret called %s, the first of WEBHOOK_SECRETS, or something between changed the body. "+
		"The receiver logs the names of those that are valid, and `inorder hooks secrets list` shows them; set WEBHOOK_SECRETS here to one that it has, "+
		"after make run by: set -a; . .dev/env; set +a", secrets.Name(s.secret))
}

// nobody is the error when the connection is refused.
func (s *sender) nobody() error {
	return fmt.Errorf("nothing listens at %s: is `inorder serve` running? Set --url or RECEIVER_URL if it is elsewhere", s.url)
}

func (s *sender) post(ctx context.Context, d request) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(d.body))
	if err != nil {
		return answer{err: err}
	}
	secret := s.secret
	if d.badSignature {
		secret = "not " + secret
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "inorder-send")
	request.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, d.body))
	if d.eventID != "" {
		request.Header.Set("Idempotency-Key", d.eventID)
	}
	began := time.Now()
	response, err := s.client.Do(request)
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
