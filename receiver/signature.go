package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// SignatureHeader carries the signature of a delivery, and nothing else does.
const SignatureHeader = "X-Webhook-Signature"

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

// StaticSecrets is a Verifier of secrets that never change.
func StaticSecrets(secrets ...string) Verifier { return staticSecrets(secrets) }

type staticSecrets []string

func (s staticSecrets) Verify(body []byte, signature string) bool {
	for _, secret := range s {
		if Verify(secret, body, signature) {
			return true
		}
	}
	return false
}
