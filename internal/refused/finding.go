package refused

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"inorder/internal/delivery"
)

// finding returns the result of the search.
func (s *search) finding() (f Finding) {
	f.Partial = s.found == nil && (s.spent || s.skipped)
	var say, do []string
	if s.found != nil {
		f.Secret, f.Source = s.found.key.Name, s.found.key.Source
		cause, what, advice := s.secretCause()
		say, do = append(say, what), append(do, advice)
		f.Causes = s.found.causes(cause)
	} else {
		f.Causes = s.unexplained()
	}
	for _, c := range f.Causes {
		what, advice := s.wordsOf(c)
		say, do = append(say, what), append(do, advice)
	}
	if s.found != nil && s.found.form.name != "" {
		say = append(say, "the sender uses the secret "+s.found.form.name)
	}
	if s.found == nil {
		do = append(do, s.wayAdvice())
	}
	if f.Partial {
		say = append(say, map[bool]string{true: "the body was not read", false: "not everything was tried, because the body is large or there are many secrets"}[s.delivery.Body == nil])
	}
	f.Summary, f.Advice = sentence(joined(say, "; ")), joined(do, " ")
	return f
}

// joined joins the parts that are not empty.
func joined(parts []string, with string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), with)
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// causes returns what differs: first what is wrong with the secret, if anything is, then what was done to the signature and the body.
func (m *match) causes(secret Cause) (all []Cause) {
	if secret != CauseNothing {
		all = append(all, secret)
	}
	if m.extra {
		all = append(all, CauseScheme)
	}
	if m.form.name != "" {
		all = append(all, CauseKeyForm)
	}
	all = append(append(all, m.claim.causes...), m.body...)
	if len(all) == 0 {
		all = []Cause{CauseNothing}
	}
	return all
}

// secretCause returns what is wrong with the secret that was found; CauseNothing if it is valid.
func (s *search) secretCause() (c Cause, say, do string) {
	k := s.found.key
	name := "secret " + k.Name
	if k.Source != "" {
		name += " of " + k.Source
	}
	another := slices.ContainsFunc(s.Keys, func(other Key) bool { return other.Source == k.Source && !other.endedAt(s.delivery.At) })
	switch {
	case k.endedAt(s.delivery.At) && another:
		return CauseOldSecret, fmt.Sprintf("%s made the signature, but ended at %s, after another had taken its place", name, k.Ends.UTC().Format(time.RFC3339)),
			"The sender still signs with the secret from before the last rotation: delete the old webhook at the platform, or give the sender the new secret."
	case k.endedAt(s.delivery.At):
		return CauseEndedSecret, fmt.Sprintf("%s made the signature, but ended at %s", name, k.Ends.UTC().Format(time.RFC3339)),
			"A webhook that was given up still delivers: delete it at the platform (`inorder hooks list`, `inorder hooks delete`), or make its secret valid again."
	case k.Unknown:
		say, do = s.unlessUntried(name+" made the signature, but receivers with these settings do not verify with it",
			"It belongs to another installation, or to a webhook that was created by hand. If that webhook is to deliver here, give the receivers its secret, in WEBHOOK_SECRETS_FILE; "+
				"otherwise correct its URL at the platform, or delete it. `inorder hooks secrets list` names the secrets that receivers have verified with.")
		return CauseOtherWebhook, say, do
	case s.found.form.name == "" && !s.found.extra && len(s.found.claim.causes)+len(s.found.body) == 0:
		return CauseNothing, name + " made the signature, which is right: the receiver did not know the secret yet",
			"Nothing is left to do: the platform delivers it again, and `inorder orders reconcile` fetches what it does not."
	}
	return CauseNothing, name + ", which is valid, made the signature", ""
}

// unexplained returns what can be seen of a signature that no known secret made.
func (s *search) unexplained() (causes []Cause) {
	values := 0
	for name, all := range s.delivery.Header {
		if strings.EqualFold(name, delivery.SignatureHeader) {
			values += len(all)
		}
	}
	if values > 1 {
		causes = append(causes, CauseSeveral)
	}
	switch {
	case len(s.claims) > 0:
		if len(s.prefixes) > 1 {
			causes = append(causes, CauseScheme)
		}
		for _, c := range s.claims[0].causes {
			if !slices.Contains(causes, c) {
				causes = append(causes, c)
			}
		}
		causes = append(causes, CauseNoSignature)
	case values > 0:
		causes = append(causes, CauseMalformed)
	default:
		causes = append(causes, CauseMissing)
	}
	if s.delivery.Body != nil && len(s.delivery.Body) == 0 {
		causes = append(causes, CauseEmpty)
	}
	return causes
}

// wordsOf returns the words of a cause. Those of CauseNoSignature depend on what could be tried.
func (s *search) wordsOf(c Cause) (say, do string) {
	say, do = words[c].say, words[c].do
	if c == CauseNoSignature {
		return s.unlessUntried(say, do)
	}
	return say, do
}

// unlessUntried adds that a secret which could not be tried may be the right one. Without that, a reader would believe that none of ours is.
func (s *search) unlessUntried(say, do string) (string, string) {
	if s.Untried == "" {
		return say, do
	}
	return say + "; not tried: " + s.Untried, "The right one may be among those that were not tried. If so, the platform delivers it again, and receivers that have read them accept it; " +
		"`inorder orders reconcile` fetches what it does not. Find out why they could not be read; then `inorder doctor FILE` explains a delivery that you have in a file. If it was none of them: " + do
}

// words say what a cause is and what to do about it. secretCause has the words about secrets.
var words = map[Cause]struct{ say, do string }{
	CauseKeyForm:   {"", "The key is the whole secret as the platform shows it, " + secretPrefix + " included: correct how the sender or the proxy reads it."},
	CauseUpperCase: {"it is hex in upper case", "Write the signature in lower-case hex."},
	CausePrefix:    {"the header has more than the signature, such as sha256= or v1=", "Send the 64 digits alone, without anything before or after them."},
	CauseBase64:    {"it is in base64", "Write the signature in lower-case hex instead of base64."},
	CauseScheme: {"it follows another scheme, which signs more than the body (such as Standard Webhooks: webhook-id, webhook-timestamp)",
		"According to its documents the platform signs only the body. Do the same, and send the signature in " + delivery.SignatureHeader + "."},
	CauseHeader:       {"it is in another header", "Send it in the header " + delivery.SignatureHeader + "; check whether a proxy renames headers."},
	CauseSeveral:      {"there is more than one value of " + delivery.SignatureHeader, "Send it once; check whether a proxy adds the header a second time."},
	CauseAlgorithm:    {"it is made with a hash other than SHA-256", "Sign with HMAC-SHA256."},
	CauseMissing:      {"there is no signature at all", "If the platform sent it, something on the way removes the header " + delivery.SignatureHeader + "; otherwise a stranger sent it, and there is nothing to do."},
	CauseMalformed:    {delivery.SignatureHeader + " holds nothing that could be a signature", "It must be 64 digits of lower-case hex; check what the sender, or a proxy, writes there."},
	CauseNoSignature:  {"no secret that is known here made the signature, for any form of the body that was tried", "Compare the names of the secrets (`inorder hooks secrets list`) with the webhook at the platform: register or rotate it if its secret was lost. If the address is not one of the platform's, a stranger sent it, and there is nothing to do."},
	CauseReserialised: {"the JSON was rewritten after it was signed, with different whitespace, order or escapes", "Have whatever stands between the platform and the receiver pass the body on byte for byte, without parsing it."},
	CauseDecompressed: {"the body was compressed or decompressed after it was signed", "Turn off compression and decompression of requests in whatever stands in front of the receiver."},
	CauseNewline:      {"a line break was added, removed or changed after it was signed", "Have the sender sign exactly the bytes that it sends, and make sure that nothing on the way edits them; with curl use --data-binary."},
	CauseCharset:      {"the encoding of the text, or its byte order mark, changed after it was signed", "Sign and send the same bytes, in UTF-8 without a byte order mark."},
	CauseEmpty:        {"the body is empty", "Check whether a proxy drops the bodies of requests, or redirects requests before they reach the receiver."},
}

// Other returns why a delivery was refused for something other than its signature. detail is the cause as the receiver knows it, without content.
func Other(r Reason, detail string) Finding {
	switch r {
	case BadEvent:
		return Finding{Causes: []Cause{CauseNotAnEvent}, Summary: sentence("the signature is right, but the body is not an event: " + detail),
			Advice: "Correct it at the sender, which has one of our secrets. If the platform itself sent it, there is nothing to do; later deliveries are not affected."}
	case TooLarge:
		return Finding{Causes: []Cause{CauseTooLarge}, Summary: sentence(detail),
			Advice: "If the platform sent it, raise MAX_BODY_BYTES, and the limit of whatever stands in front of the receiver, such as nginx's client_max_body_size."}
	}
	return Finding{Causes: []Cause{CauseUnavailable}, Summary: sentence(detail),
		Advice: "The platform delivers it again. `inorder status` and /readyz show what does not answer; if the memory for bodies was used up, find out who sends so much, or raise MAX_BODY_MEMORY."}
}
