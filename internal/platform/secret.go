package platform

import (
	"fmt"
	"strings"
)

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
