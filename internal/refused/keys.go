package refused

import (
	"encoding/base64"
	"strings"
)

// keyForm is a way in which a sender may use a secret. Its name completes "the sender uses the secret …".
type keyForm struct {
	name string // "" for the right one
	of   func(secret string) []byte
}

const secretPrefix = "whsec_"

var allForms = []keyForm{
	{"", func(s string) []byte { return []byte(s) }},
	{"decoded from base64, as Standard Webhooks do", decoded},
	{"without its prefix " + secretPrefix, func(s string) []byte { return changed(s, strings.TrimPrefix(s, secretPrefix)) }},
	{"with a line break at its end", func(s string) []byte { return []byte(s + "\n") }},
	{"in quotes", func(s string) []byte { return []byte(`"` + s + `"`) }},
}

// wholeSecret is the form that is right.
var wholeSecret = allForms[:1]

// decoded returns the key as Standard Webhooks uses it: the base64 after the prefix, decoded.
func decoded(secret string) []byte {
	bare := strings.TrimRight(strings.TrimPrefix(secret, secretPrefix), "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := e.DecodeString(bare); err == nil {
			return key
		}
	}
	return nil
}

// changed returns nil if the form is the secret itself.
func changed(secret, form string) []byte {
	if form == secret {
		return nil
	}
	return []byte(form)
}
