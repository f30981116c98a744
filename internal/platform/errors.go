package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Error is an answer of the platform that is not a success. Find it with errors.As; Is… below ask the usual questions.
type Error struct {
	Status  int             // HTTP
	Type    string          // such as "not_found"; "" if the answer was not the platform's envelope
	Code    string          // such as "RESOURCE_NOT_FOUND"; an open set
	Message string          // the platform's words
	Details json.RawMessage // as sent; its form is not documented
	DocURL  string

	RetryAfter time.Duration // what the platform asked for; 0 if nothing
	Mode       Mode          // of the key that was used
}

func (e *Error) Error() string {
	words := []string{fmt.Sprint(e.Status)}
	for _, w := range []string{e.Type, e.Code} {
		if w != "" {
			words = append(words, w)
		}
	}
	text := strings.Join(words, " ")
	if e.Message != "" {
		text += ": " + e.Message
	} else if e.Type == "" {
		text += " " + http.StatusText(e.Status)
	}
	return text + e.advice()
}

// advice is what to do about it, where that is known.
func (e *Error) advice() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return " (check HEADLESS_COMMERCE_API_KEY: the platform does not know this " + string(e.Mode) + "-mode key)"
	case e.Status == http.StatusForbidden:
		return " (this " + string(e.Mode) + "-mode key may not do that: use a secret key that may)"
	case e.Status == http.StatusNotFound:
		return " (looked for in " + string(e.Mode) + " mode)"
	case e.RetryAfter > 0:
		return fmt.Sprintf(" (try again in %s)", e.RetryAfter)
	case e.Status >= 300 && e.Status < 400:
		return " (redirects are not followed: set HEADLESS_COMMERCE_API_URL to where the API is)"
	}
	return ""
}

// IsNotFound reports that what was asked for does not exist, or not in this key's mode.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsUnauthorized reports that the key is not accepted (401) or may not do this (403): the same call will fail again
// until somebody changes the key.
func IsUnauthorized(err error) bool {
	return hasStatus(err, http.StatusUnauthorized) || hasStatus(err, http.StatusForbidden)
}

// IsInvalid reports that the platform does not take what it was asked: the same call will be refused again.
func IsInvalid(err error) bool {
	return hasStatus(err, http.StatusBadRequest) || hasStatus(err, http.StatusUnprocessableEntity)
}

// IsLasting reports that the same call would fail in the same way however often it is repeated: the platform refuses what it
// was asked (400, 404, 422, …), redirects, or gives an answer that is of no use. It leaves out what a waiting caller may see
// pass: a network error, 429, 5xx, and a key that is refused until somebody changes it (401, 403).
func IsLasting(err error) bool {
	var l *lasting
	var e *Error
	switch {
	case errors.As(err, &l):
		return true
	case !errors.As(err, &e):
		return false
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Status < 500
}

// lasting marks an error, other than an Error, that a repetition does not cure.
type lasting struct{ err error }

func (e *lasting) Error() string { return e.err.Error() }
func (e *lasting) Unwrap() error { return e.err }

// IsRateLimited reports that the platform still refused for too many requests when the retries were used up.
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// What is kept of an error, whatever the platform sends: it is logged, shown, and kept in workflows' histories.
const (
	maxName    = 100  // characters
	maxMessage = 500  // characters
	maxDetails = 2000 // bytes; longer ones are left out, because a part of JSON is none
)

// shortened makes one line of s and cuts it to so many characters.
func shortened(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// errorOf reads the platform's error envelope, and makes do with the status if there is none, as when a proxy answers.
// Should the platform repeat the key in its words, that is masked.
func (c *Client) errorOf(res *http.Response, body []byte) *Error {
	body = bytes.ReplaceAll(body, []byte(c.key), []byte(c.key.String()))
	var envelope struct {
		Error struct {
			Type, Code, Message string
			Details             json.RawMessage
			DocURL              string `json:"doc_url"`
		}
	}
	_ = json.Unmarshal(body, &envelope) // what is of another form stays empty
	e := envelope.Error
	if len(e.Details) > maxDetails {
		e.Details = nil
	}
	return &Error{
		Status: res.StatusCode, Type: shortened(e.Type, maxName), Code: shortened(e.Code, maxName),
		Message: shortened(e.Message, maxMessage), Details: e.Details, DocURL: shortened(e.DocURL, maxMessage),
		RetryAfter: retryAfter(res.Header, c.opts.Now()), Mode: c.Mode(),
	}
}

// noAnswer is a network error: nobody knows whether the platform did what it was asked.
type noAnswer struct{ err error }

func (e *noAnswer) Error() string {
	return "no answer from the platform: " + e.err.Error() + " (check the network, and HEADLESS_COMMERCE_API_URL)"
}
func (e *noAnswer) Unwrap() error { return e.err }

// networkError drops the URL, whose query may name a person.
func networkError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &noAnswer{err}
}

func retryable(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status == http.StatusTooManyRequests || e.Status >= 500
	}
	var n *noAnswer
	return errors.As(err, &n)
}
