// Package delivery is the contract of one delivery, for everything that sends, receives or forwards deliveries: its path, its
// headers, its answers, and its signature. It imports only the standard library.
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
	Path = "/webhooks/hc" // where a delivery is posted

	// SignatureHeader is the only header that carries the signature of a delivery.
	SignatureHeader = "X-Webhook-Signature"

	// ResultHeader tells the sender of a 200 what became of the delivery.
	ResultHeader    = "Inorder-Result"
	ResultAccepted  = "accepted"  // new, and durable now
	ResultSpilled   = "spilled"   // new, and durable in the inbox now
	ResultDuplicate = "duplicate" // accepted before
)

// Probe is the beginning of the bodies that `inorder doctor` posts to check the way to a receiver. They make no event.
const Probe = "inorder doctor: not an event"

// IsProbe reports whether a body is the doctor's: plain, or gzip with Probe as its name. Anyone can send such a body; only an authentic one is ours.
func IsProbe(body []byte) bool { return bytes.Contains(body[:min(len(body), 64)], []byte(Probe)) }

// Sign returns the lower-case hex HMAC-SHA256 of body under the whole secret, including any "whsec_" prefix. The platform
// sends it in SignatureHeader.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Verify reports whether signature is that of the untouched body under the secret. It compares in constant
// time, as text: upper-case hex, a prefix such as "sha256=", and base64 are not signatures of this platform.
// An empty secret verifies nothing.
func Verify(secret string, body []byte, signature string) bool {
	return secret != "" && subtle.ConstantTimeCompare([]byte(Sign(secret, body)), []byte(signature)) == 1
}

// Signature returns the signature from the values of SignatureHeader, without surrounding spaces and tabs. It returns "" unless
// there is exactly one value, because choosing one of several would be a guess, and the value is 64 digits of lower-case hex.
// Take the values before the body is read, so that a trailer doesn't count as a header.
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

// Secrets is a fixed set of secrets, all of which are valid.
type Secrets []string

// Verify reports whether signature is that of body under any of the secrets.
func (s Secrets) Verify(body []byte, signature string) bool {
	for _, secret := range s {
		if Verify(secret, body, signature) {
			return true
		}
	}
	return false
}

var (
	// A base64 secret may end with =, so a name followed by = alone doesn't make an assignment.
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=[^=]`)
	emptyValue = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*=$`)
)

const quotes = "\"'`“”‘’"

// CheckSecret returns an error if a text can't be a secret. Characters that shells, env files and copying leave around a secret would count
// as a part of it, and every delivery would be refused. The error never shows the text.
func CheckSecret(secret string) error {
	first, _ := utf8.DecodeRuneInString(secret)
	last, _ := utf8.DecodeLastRuneInString(secret)
	switch {
	case secret == "":
		return errors.New("it is empty")
	case !utf8.ValidString(secret):
		return errors.New("it is not UTF-8")
	case strings.ContainsRune(quotes, first) || strings.ContainsRune(quotes, last):
		return errors.New("it begins or ends with a quote, which would be part of the secret: write it without quotes")
	case strings.ContainsFunc(secret, unicode.IsSpace):
		return errors.New("it contains a blank or a line break, which no secret of the platform does")
	case strings.ContainsFunc(secret, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("it contains an invisible character: retype it, or copy it from the platform again")
	case assignment.MatchString(secret) || emptyValue.MatchString(secret):
		return errors.New("it has the form NAME=VALUE, and the name would be part of the secret: write only the value")
	case strings.Contains(secret, ","):
		return errors.New("it contains a comma, which no secret of the platform does")
	}
	return nil
}
