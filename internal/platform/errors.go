package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"inorder"
)

// Error is an unsuccessful answer of the platform. Find it with errors.AsType; the functions Is… answer the usual questions.
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
	text := strings.Join(strings.Fields(fmt.Sprint(e.Status, " ", e.Type, " ", e.Code)), " ")
	if e.Message != "" {
		text += ": " + e.Message
	} else if e.Type == "" {
		text += " " + http.StatusText(e.Status)
	}
	return text + e.advice()
}

// advice returns what a person can do about the error, where that is known.
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

// IsNotFound reports whether the platform does not have what was asked for, at least not in this key's mode.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsUnauthorized reports whether the platform does not accept the key (401), or the key may not do this (403): the same call
// fails again until somebody changes the key.
func IsUnauthorized(err error) bool {
	return hasStatus(err, http.StatusUnauthorized, http.StatusForbidden)
}

// IsInvalid reports whether the platform refuses the request as invalid (400, 422): the same call will be refused again.
func IsInvalid(err error) bool {
	return hasStatus(err, http.StatusBadRequest, http.StatusUnprocessableEntity)
}

// IsLasting reports whether the same call would fail in the same way however often it is repeated: the platform refuses the
// request (400, 404, 422, …), redirects, or gives a useless answer. These may pass and are not lasting: a network error, 408,
// 425, 429, 5xx, and a key that is refused until somebody changes it (401, 403).
func IsLasting(err error) bool {
	if _, ok := errors.AsType[*lasting](err); ok {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Status < 500
}

// lasting marks an error, other than an Error, that no retry cures.
type lasting struct{ err error }

func (e *lasting) Error() string { return e.err.Error() }
func (e *lasting) Unwrap() error { return e.err }

func hasStatus(err error, statuses ...int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(statuses, e.Status)
}

// Errors are logged, shown, and kept in workflows' histories, so they are bounded, whatever the platform sends. Names and details
// of more bytes than these are left out.
const (
	maxName    = 100
	maxDetails = 2000
)

func bounded(text string) string { return inorder.Bounded(strings.Join(strings.Fields(text), " ")) }

// errorOf reads the platform's error envelope. If there is none, as when a proxy answers, it keeps only the status. If the answer
// repeats the API key, the key is masked.
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
	for _, name := range []*string{&e.Type, &e.Code} {
		if len(*name) > maxName {
			*name = ""
		}
	}
	if len(e.Details) > maxDetails {
		e.Details = nil
	}
	return &Error{
		Status: res.StatusCode, Type: bounded(e.Type), Code: bounded(e.Code), Message: bounded(e.Message), Details: e.Details,
		DocURL: bounded(e.DocURL), RetryAfter: retryAfter(res.Header, c.opts.Now()), Mode: c.Mode(),
	}
}

// noAnswer is a network error: whether the platform handled the request is unknown.
type noAnswer struct{ err error }

func (e *noAnswer) Error() string {
	return "no answer from the platform: " + e.err.Error() + " (check the network, and HEADLESS_COMMERCE_API_URL)"
}
func (e *noAnswer) Unwrap() error { return e.err }

// networkError removes the URL from an error, because its query may name a person.
func networkError(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return &noAnswer{err}
}

func retryable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status == http.StatusTooManyRequests || e.Status >= 500
	}
	_, ok := errors.AsType[*noAnswer](err)
	return ok
}
