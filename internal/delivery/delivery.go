// Package delivery is the contract of one delivery, for whoever sends, receives or passes one on: its path, its headers,
// its answers, and its signature. It imports nothing but the standard library.
package delivery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The names on the wire.
const (
	Path = "/webhooks/hc" // what a delivery is posted to

	// SignatureHeader carries the signature of a delivery, and nothing else does.
	SignatureHeader = "X-Webhook-Signature"

	// ResultHeader tells the sender of a 200 what became of the delivery.
	ResultHeader    = "Inorder-Result"
	ResultAccepted  = "accepted"  // new, and durable now
	ResultSpilled   = "spilled"   // new, and durable in the inbox now
	ResultDuplicate = "duplicate" // accepted before
)

// Probe is how a body begins that `inorder doctor` posts to try the way to a receiver. It makes no event.
const Probe = "inorder doctor: not an event"

// IsProbe reports whether a body is the doctor's, compressed with that name or not. Only if the body is authentic, one of us has sent it.
func IsProbe(body []byte) bool { return bytes.Contains(body[:min(len(body), 64)], []byte(Probe)) }

// Sign returns the lower-case hex HMAC-SHA256 of body under the whole secret, any "whsec_" prefix included:
// what the platform puts in SignatureHeader.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Verify reports whether signature is the one of the untouched body under the secret. It compares in constant
// time, as text: upper-case hex, a prefix such as "sha256=", and base64 are not signatures of this platform.
// An empty secret verifies nothing.
func Verify(secret string, body []byte, signature string) bool {
	return secret != "" && subtle.ConstantTimeCompare([]byte(Sign(secret, body)), []byte(signature)) == 1
}

// Signature returns the signature from the values of SignatureHeader, without the blanks and tabs around it. It is "" if
// there is not exactly one value, because which of several counts would be a guess, or if that is not 64 digits of
// lower-case hex. The values must be taken before the body is read: a trailer is no header.
func Signature[Text string | []byte](values []Text) string {
	if len(values) != 1 {
		return ""
	}
	signature := strings.Trim(string(values[0]), " \t")
	if len(signature) != hex.EncodedLen(sha256.Size) || strings.Trim(signature, "0123456789abcdef") != "" {
		return ""
	}
	return signature
}

// Secrets are secrets that never change; any of them is valid.
type Secrets []string

// Verify reports whether signature is the one of body under any of the secrets.
func (s Secrets) Verify(body []byte, signature string) bool {
	for _, secret := range s {
		if Verify(secret, body, signature) {
			return true
		}
	}
	return false
}

var (
	// A base64 secret may end with =, so a name alone before the = does not make an assignment.
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=[^=]`)
	emptyValue = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*=$`)
)

const quotes = "\"'`“”‘’"

// CheckSecret returns an error if a text cannot be a secret. What shells, env files and copies leave around a secret would count as a
// part of it, and every delivery would be refused. The error never shows the text.
func CheckSecret(secret string) error {
	first, _ := utf8.DecodeRuneInString(secret)
	last, _ := utf8.DecodeLastRuneInString(secret)
	switch {
	case secret == "":
		return errors.New("it is empty")
	case !utf8.ValidString(secret):
		return errors.New("it is not UTF-8")
	case strings.ContainsRune(quotes, first) || strings.ContainsRune(quotes, last):
		return errors.New("it has a quote at an end, which would count as a part of the secret: write it without quotes")
	case strings.ContainsFunc(secret, unicode.IsSpace):
		return errors.New("it has a blank or a line break inside, which no secret of the platform has")
	case strings.ContainsFunc(secret, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("it has a character that cannot be seen: type it anew, or copy it from the platform once more")
	case assignment.MatchString(secret) || emptyValue.MatchString(secret):
		return errors.New("it has the form NAME=VALUE, and the name would count as a part of the secret: write the value alone")
	case strings.Contains(secret, ","):
		return errors.New("it has a comma inside, which no secret of the platform has")
	}
	return nil
}
