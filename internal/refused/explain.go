package refused

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"
	"time"
)

// Explain finds out why a delivery was refused for its signature. It tries which secret would have made the signature, of which form of the
// body, and in which notation. It does no I/O, and a constant bounds its work to about a tenth of a second. Callers must bound how often it
// runs where strangers can multiply it.
func Explain(d Delivery, tried Secrets) Finding {
	f, _ := explain(d, tried)
	return f
}

// explain also returns how much of maxWork it took, which does not depend on how busy the processor was.
func explain(d Delivery, tried Secrets) (f Finding, work int) {
	if d.At.IsZero() {
		d.At = time.Now()
	}
	s := search{delivery: d, Secrets: tried, claims: claimsOf(d.Header), prefixes: prefixesOf(d.Header), left: maxWork}
	switch {
	case d.Body == nil:
		s.skipped = len(s.claims) > 0
	case len(s.claims) > 0:
		s.run()
	}
	return s.finding(), maxWork - s.left
}

// maxWork bounds how many bytes are hashed or written in all forms together. One byte takes up to workTime.
const (
	maxWork  = 32 << 20
	workTime = 4 * time.Nanosecond
)

// search is one run of Explain.
type search struct {
	Secrets
	delivery Delivery
	claims   []claim
	prefixes []prefix // of what may have been signed: "" first
	left     int      // of maxWork
	spent    bool     // maxWork is used up
	skipped  bool     // a form was left out that would take too much memory, or the body was not read
	found    *match
}

// match is how a signature was made.
type match struct {
	key   Key
	form  keyForm
	claim claim
	body  []Cause // what happened to the body since
	extra bool    // more than the body was signed
}

// run tries the likeliest first: the body as it came, with every secret in every form; then other bodies with the secrets as they are; then other
// bodies with every secret in every form.
func (s *search) run() {
	body := s.delivery.Body
	if s.try(body, nil, allForms, s.prefixes) {
		return
	}
	for v := range s.variants(true) {
		if s.try(v.body, v.causes, wholeSecret, s.prefixes[:1]) || s.spent {
			return
		}
	}
	for v := range s.variants(false) {
		if s.try(v.body, v.causes, allForms, s.prefixes) || s.spent {
			return
		}
	}
}

// try reports whether a key in one of the forms made one of the claims from this body, and notes how.
func (s *search) try(body []byte, causes []Cause, forms []keyForm, prefixes []prefix) bool {
	for _, k := range s.Keys {
		for _, form := range forms {
			secret := form.of(string(k.Secret))
			if len(secret) == 0 {
				continue
			}
			for _, p := range prefixes {
				c, ok := s.made(secret, p.text, body)
				if ok {
					s.found = &match{k, form, c, causes, p.text != ""}
					return true
				}
				if s.spent {
					return false
				}
			}
		}
	}
	return false
}

// made returns the claim that the secret makes from the prefix and the body, if there is one.
func (s *search) made(secret []byte, prefix string, body []byte) (claim, bool) {
	for size, algorithm := range algorithms {
		if !slices.ContainsFunc(s.claims, func(c claim) bool { return len(c.mac) == size }) {
			continue
		}
		if !s.spend(len(body) + 2*len(secret)) {
			return claim{}, false
		}
		h := hmac.New(algorithm, secret)
		h.Write([]byte(prefix))
		h.Write(body)
		sum := h.Sum(nil)
		for _, c := range s.claims {
			if hmac.Equal(c.mac, sum) {
				return c, true
			}
		}
	}
	return claim{}, false
}

// algorithms are the hash functions by the length of their result.
var algorithms = map[int]func() hash.Hash{sha256.Size: sha256.New, sha1.Size: sha1.New, sha512.Size: sha512.New}

// spend takes the work for n bytes, and reports whether there was enough left.
func (s *search) spend(n int) bool {
	if s.left -= n + 128; s.left < 0 { // 128: what hashing nothing costs
		s.spent = true
	}
	return !s.spent
}
