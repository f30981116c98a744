// Package platform is the client of the commerce platform's Admin API: webhooks and orders, one method per endpoint.
//
// Every call is retried on network errors, 429 and 5xx, and every POST carries an Idempotency-Key that stays the same across
// those retries, so that a create whose answer was lost is not done twice. A Client may be used concurrently.
package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is the URL of the platform's own API.
const DefaultBaseURL = "https://api.headlesscommerce.io/v1"

// Options are the settings of a Client. Only APIKey is required; the zero value of any other means its default.
type Options struct {
	APIKey  Secret // sk_live_… or sk_test_…: the prefix picks the mode
	BaseURL string // default DefaultBaseURL

	// AttemptTimeout bounds one attempt, its answer's body included; default 10 s. The call as a whole is bounded by its context.
	AttemptTimeout time.Duration

	// MaxRetries is how often an attempt is repeated; default 4, negative for never.
	MaxRetries int

	// MaxWait is the longest pause between two attempts; default 30 s. If Retry-After asks for a longer one, the call ends at
	// once with an Error that says how long.
	MaxWait time.Duration

	HTTPClient *http.Client // default: a new one. Redirects are never followed, so that the key stays with its host

	Sleep func(context.Context, time.Duration) error // default: a timer; for tests
	Now   func() time.Time                           // default time.Now; Retry-After dates are compared with it
}

// Client calls the Admin API. New makes one.
type Client struct {
	key  Secret
	base *url.URL
	http *http.Client
	opts Options
}

// New checks the options without calling the platform. Its error says what to correct and never shows the key.
func New(o Options) (*Client, error) {
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/")
	o.AttemptTimeout = cmp.Or(o.AttemptTimeout, 10*time.Second)
	o.MaxRetries = max(cmp.Or(o.MaxRetries, 4), 0)
	o.MaxWait = cmp.Or(o.MaxWait, 30*time.Second)
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := CheckKey(o.APIKey); err != nil {
		return nil, fmt.Errorf("platform: HEADLESS_COMMERCE_API_KEY: %w", err)
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, errors.New("platform: HEADLESS_COMMERCE_API_URL must be an http(s) URL without user and query, such as " + DefaultBaseURL)
	}

	client := http.Client{}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{key: o.APIKey, base: base, http: &client, opts: o}, nil
}

// CheckKey returns an error if a text can't be an API key. The error never shows the text.
func CheckKey(key Secret) error {
	switch {
	case key == "":
		return errors.New("it is not set; it takes a secret key, sk_live_… or sk_test_…")
	case key.Mode() == "":
		return errors.New("it is not a secret key: it must start with sk_live_ or sk_test_ (pk_ keys are for storefronts)")
	case strings.ContainsFunc(string(key), func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("it holds a space, a line break or another character that no key has: copy it again")
	}
	return nil
}

// Mode returns the mode that the key's prefix picks.
func (c *Client) Mode() Mode { return c.key.Mode() }

// String returns the platform's URL and the mode, without the key.
func (c *Client) String() string { return fmt.Sprintf("%s (%s mode)", c.base, c.Mode()) }

// GoString keeps %#v from showing the key.
func (c *Client) GoString() string { return "platform.Client(" + c.String() + ")" }

// Secret is an API key or a webhook's signing secret. However it is printed, logged or marshalled, only its public
// prefix shows, such as "sk_test_…"; string(s) is the secret itself.
type Secret string

// Mode is what a key works on: the shop's real data or its test data.
type Mode string

const (
	Live Mode = "live"
	Test Mode = "test"
)

// prefixes are public: the documents show them.
var prefixes = []string{"sk_live_", "sk_test_", "pk_live_", "pk_test_", "whsec_"}

// Mode returns the mode of an API key, by its prefix; "" if it is not a secret key.
func (s Secret) Mode() Mode {
	switch {
	case strings.HasPrefix(string(s), "sk_live_"):
		return Live
	case strings.HasPrefix(string(s), "sk_test_"):
		return Test
	}
	return ""
}

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	for _, p := range prefixes {
		if strings.HasPrefix(string(s), p) {
			return p + "…"
		}
	}
	return "…"
}

// GoString keeps %#v from showing it.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText keeps JSON and slog from showing it. Code that must store a secret says string(s).
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
