package refused

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"inorder/internal/delivery"
)

// claim is a signature that a delivery carries, in whatever form.
type claim struct {
	mac    []byte
	causes []Cause // how it differs from a bare X-Webhook-Signature
}

// How much of the headers is read.
const (
	maxClaims   = 16
	maxValue    = 1 << 10
	maxPrefixes = 4
)

// token is what may be a signature in a header: hex or base64 of 16 bytes or more.
var token = regexp.MustCompile(`[A-Za-z0-9+/_-]{22,}={0,2}`)

// claimsOf returns the signatures in the header X-Webhook-Signature, and in every other header whose name suggests a signature.
func claimsOf(h http.Header) (claims []claim) {
	names := slices.SortedFunc(maps.Keys(h), func(a, b string) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a, b)) })
	for _, name := range names {
		if rank(name) == notOne {
			continue
		}
		for _, value := range h[name] {
			for _, c := range claimsIn(name, value) {
				if len(h[name]) > 1 && rank(name) == ours {
					c.causes = append(c.causes, CauseSeveral)
				}
				if len(claims) < maxClaims {
					claims = append(claims, c)
				}
			}
		}
	}
	return claims
}

func claimsIn(name, value string) (claims []claim) {
	value = strings.Trim(value, " \t")
	if len(value) > maxValue {
		return nil
	}
	for _, text := range token.FindAllString(value, maxClaims) {
		mac, causes := decode(text)
		if mac == nil {
			continue
		}
		switch {
		case isStandard(name): // its form is the one of its own scheme
			causes = []Cause{}
		case text != value:
			causes = append([]Cause{CausePrefix}, causes...)
		}
		if rank(name) != ours && !isStandard(name) {
			causes = append([]Cause{CauseHeader}, causes...)
		}
		claims = append(claims, claim{mac, causes})
	}
	return claims
}

// decode reads hex or base64 of a hash. It returns nil for anything else.
func decode(text string) (mac []byte, causes []Cause) {
	if mac, err := hex.DecodeString(text); err == nil && algorithms[len(mac)] != nil {
		if text != strings.ToLower(text) {
			causes = append(causes, CauseUpperCase)
		}
		return mac, append(causes, algorithmCause(mac)...)
	}
	bare := strings.TrimRight(text, "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if mac, err := e.DecodeString(bare); err == nil && algorithms[len(mac)] != nil {
			return mac, append([]Cause{CauseBase64}, algorithmCause(mac)...)
		}
	}
	return nil, nil
}

func algorithmCause(mac []byte) []Cause {
	if len(mac) == sha256.Size {
		return nil
	}
	return []Cause{CauseAlgorithm}
}

// The ranks of headers: ours is read first.
const (
	ours = iota
	likely
	notOne
)

func rank(name string) int {
	lower := strings.ToLower(name)
	switch {
	case strings.EqualFold(name, delivery.SignatureHeader):
		return ours
	case strings.Contains(lower, "signature") || strings.Contains(lower, "hmac"):
		return likely
	}
	return notOne
}

// isStandard reports whether a header is the signature of Standard Webhooks, or of Svix, where they come from.
func isStandard(name string) bool {
	return strings.EqualFold(name, "webhook-signature") || strings.EqualFold(name, "svix-signature")
}

// prefix is what may have been signed before the body.
type prefix struct{ text string }

// timestamp is a time inside a signature, as in t=1700000000,v1=….
var timestamp = regexp.MustCompile(`(?:^|[ ,;])t=([0-9]{1,20})(?:$|[ ,;])`)

// prefixesOf returns "", the prefix in this platform's scheme, and what other schemes sign before the body.
func prefixesOf(h http.Header) []prefix {
	all := []prefix{{}}
	for _, family := range []string{"webhook", "svix"} {
		id, at := first(h, family+"-id"), first(h, family+"-timestamp")
		if id != "" && at != "" {
			all = append(all, prefix{id + "." + at + "."})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		values := h[name]
		if rank(name) == notOne && !strings.HasSuffix(strings.ToLower(name), "-timestamp") {
			continue
		}
		for _, value := range values[:min(len(values), maxPrefixes)] {
			if m := timestamp.FindStringSubmatch(value[:min(len(value), maxValue)]); m != nil {
				all = append(all, prefix{m[1] + "."})
			} else if rank(name) == notOne && len(value) <= 64 {
				all = append(all, prefix{value + "."}, prefix{"v0:" + value + ":"})
			}
		}
	}
	return all[:min(len(all), 1+maxPrefixes)]
}

// first returns the first value of a header, whatever the case of its name.
func first(h http.Header, name string) string {
	for key, values := range h {
		if strings.EqualFold(key, name) && len(values) > 0 && len(values[0]) <= maxValue {
			return values[0]
		}
	}
	return ""
}
