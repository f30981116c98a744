// Package delivery is the contract of one delivery, for whoever sends, receives or passes one on: its path, its headers,
// its answers, and its signature. It imports nothing but the standard library.
package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// The names on the wire.
const (
	Path = "/webhooks/hc" // what a delivery is posted to

	// SignatureHeader carries the signature of a delivery, and nothing else does.
	SignatureHeader = "X-Webhook-Signature"

	// ResultHeader tells the sender of a 200 what became of the delivery.
	ResultHeader    = "Inorder-Result"
	ResultAccepted  = "accepted"  // new, and durable now
	ResultDuplicate = "duplicate" // accepted before
)

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
