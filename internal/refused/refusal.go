package refused

import (
	"net/netip"

	"inorder/internal/traffic"
)

// Reason is why a delivery was refused, as its sender was told. Reasons are a closed set; traffic counts deliveries under the same names.
type Reason string

const (
	BadSignature Reason = traffic.BadSignature // 401
	BadEvent     Reason = traffic.BadEvent     // 400: the signature is right
	TooLarge     Reason = traffic.TooLarge     // 413
	Unavailable  Reason = traffic.Unavailable  // 503
)

// Reasons returns all reasons.
func Reasons() []Reason { return []Reason{BadSignature, BadEvent, TooLarge, Unavailable} }

// Refusal is a delivery that the receiver refused.
type Refusal struct {
	Delivery
	Reason Reason
	Status int        // of the answer
	Client netip.Addr // who delivered it
	Bytes  int64      // of the body, as far as the sender declared or sent it; -1 if neither
	// Authentic says that the signature is right.
	Authentic bool
	// Detail is what the receiver logged as the cause: one line without content.
	Detail string
}

// Evidence is the strongest evidence that the sender belongs to the platform.
type Evidence string

const (
	BySecret  Evidence = "secret"  // a secret that is known here made the signature, whatever else is wrong
	ByAddress Evidence = "address" // authentic deliveries came from the address within the last day
	None      Evidence = "none"    // anybody may have sent it
)

// networkOf returns what counts as one address: an IPv4 address, or the /64 of an IPv6 address, all of which one sender has.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Prefix of the zero Addr
	return p
}
