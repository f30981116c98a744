// Package refused explains why a delivery was refused, and keeps bounded, redacted samples of refused deliveries. Explain is pure; the
// receiver uses a Keeper. internal/store/view reads the samples.
package refused

import (
	"net/http"
	"time"

	"inorder/internal/platform"
)

// Delivery is a refused delivery, as it came.
type Delivery struct {
	Header http.Header // its names may be written in any case
	Body   []byte      // nil if it was not read
	At     time.Time   // when it came; zero for now
}

// Key is a secret that may have signed a delivery, whether it is valid or not.
type Key struct {
	Secret platform.Secret
	Name   string    // what the secret is called where it may not be shown
	Source string    // the webhook's ID, or the setting that it came from
	Ends   time.Time // zero for no end
	// Unknown says that receivers do not verify with this secret: it is of another installation, or of a webhook that was made by hand.
	Unknown bool
}

// Secrets are those that may have signed a delivery.
type Secrets struct {
	Keys []Key // in the order in which they are tried
	// Untried names the secrets that there may be besides, because they could not be read; "" for none. It completes "not tried: …".
	Untried string
}

// endedAt reports whether the secret no longer verified deliveries at that time.
func (k Key) endedAt(at time.Time) bool { return !k.Ends.IsZero() && !at.Before(k.Ends) }

// Cause is one thing that is wrong with a delivery. The causes are a closed set and are never renamed: they are in PostgreSQL, in the API and in
// its clients.
type Cause string

// What is wrong with the secret. It is known here, and it made the signature.
const (
	CauseNothing      Cause = "nothing"       // the signature is right: its secret was not known yet
	CauseOldSecret    Cause = "old_secret"    // it has ended, and its webhook or setting has another one
	CauseEndedSecret  Cause = "ended_secret"  // it has ended, and its webhook has no other one: a webhook that we gave up still delivers
	CauseOtherWebhook Cause = "other_webhook" // it is of a webhook that the receivers do not verify with
	CauseKeyForm      Cause = "key_form"      // the sender uses the secret without its prefix, decoded, with a line break or in quotes
)

// What is wrong with the signature.
const (
	CauseUpperCase   Cause = "upper_case"   // hex in upper case
	CausePrefix      Cause = "prefix"       // such as sha256= or v1= before it
	CauseBase64      Cause = "base64"       // base64 instead of hex
	CauseScheme      Cause = "other_scheme" // made of more than the body, such as webhook-id and webhook-timestamp (Standard Webhooks)
	CauseHeader      Cause = "other_header" // it is in another header than X-Webhook-Signature
	CauseSeveral     Cause = "several"      // there is more than one X-Webhook-Signature
	CauseAlgorithm   Cause = "other_hash"   // HMAC with SHA-1 or SHA-512 instead of SHA-256
	CauseMissing     Cause = "missing"      // there is none
	CauseMalformed   Cause = "malformed"    // it is nothing that could be a signature
	CauseNoSignature Cause = "no_match"     // no secret that is known here made it, in any way that was tried
)

// What happened to the body after it was signed.
const (
	CauseReserialised Cause = "reserialised" // the JSON was serialised again: other blanks, order of keys or escapes
	CauseDecompressed Cause = "decompressed" // the signature is of the plain bytes, and compressed ones came, or the other way round
	CauseNewline      Cause = "newline"      // a line break was added, removed or changed
	CauseCharset      Cause = "charset"      // a byte order mark or the encoding of the text changed
	CauseEmpty        Cause = "empty_body"   // the body is empty
)

// Other reasons than the signature.
const (
	CauseNotAnEvent  Cause = "not_an_event" // the signature is right, and the body is no event
	CauseTooLarge    Cause = "too_large"    // the body exceeds MAX_BODY_BYTES
	CauseUnavailable Cause = "unavailable"  // nothing could take it in time, or the memory for bodies was used up
)

// Finding is why a delivery was refused. It never shows a secret, a signature or a part of the body.
type Finding struct {
	Causes  []Cause // the first is the most important one; never empty
	Secret  string  // the name of the secret that made the signature; "" if no known secret did
	Source  string  // of that secret
	Summary string  // one sentence that says what is wrong
	Advice  string  // sentences that say what to do
	// Partial says that not everything was tried: the body was not read or is large, or there are many secrets.
	Partial bool
}

// Explained reports whether a secret that is known here made the signature. A stranger without that secret can only repeat
// a delivery that they intercepted.
func (f Finding) Explained() bool { return f.Secret != "" }

// Causes returns all causes.
func Causes() []Cause {
	return []Cause{CauseNothing, CauseOldSecret, CauseEndedSecret, CauseOtherWebhook, CauseKeyForm, CauseUpperCase, CausePrefix, CauseBase64, CauseScheme,
		CauseHeader, CauseSeveral, CauseAlgorithm, CauseMissing, CauseMalformed, CauseNoSignature, CauseReserialised, CauseDecompressed, CauseNewline,
		CauseCharset, CauseEmpty, CauseNotAnEvent, CauseTooLarge, CauseUnavailable}
}
