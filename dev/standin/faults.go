package standin

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// Faults configures what goes wrong. The zero value is a platform without faults.
//
// Whether a fault hits a delivery or request depends only on the seed and on its running number. So the same history
// with the same faults goes wrong in the same way.
type Faults struct {
	Seed uint64 `json:"seed"`

	Drop      Fault `json:"drop"`      // the delivery is never sent
	Duplicate Fault `json:"duplicate"` // the delivery is sent twice
	Reorder   Fault `json:"reorder"`   // the delivery is held back until the webhook's next one has been sent, for HoldMillis at most
	Delay     Fault `json:"delay"`     // the delivery is sent after DelayMillis

	Deactivate Fault `json:"deactivate"` // the delivery's webhook is deactivated instead, as the platform does to webhooks that keep failing

	RateLimit   Fault `json:"rate_limit"`   // the request is refused with 429, with RetryAfter if that is set
	ServerError Fault `json:"server_error"` // the request is refused with 500
	Slow        Fault `json:"slow"`         // the request is answered after SlowMillis
	Lose        Fault `json:"lose"`         // the request is performed, but the connection is cut instead of an answer

	HoldMillis  int    `json:"hold_ms"`     // default 500
	DelayMillis int    `json:"delay_ms"`    // default 1000
	SlowMillis  int    `json:"slow_ms"`     // default 1000
	RetryAfter  string `json:"retry_after"` // the header's value, such as "2" or an HTTP date
}

// Fault hits the next Next deliveries or requests, and after those a share from 0 to 1.
type Fault struct {
	Next  int     `json:"next"`
	Share float64 `json:"share"`
}

func (f *Faults) kinds() map[string]*Fault {
	return map[string]*Fault{
		"drop": &f.Drop, "duplicate": &f.Duplicate, "reorder": &f.Reorder, "delay": &f.Delay, "deactivate": &f.Deactivate,
		"rate_limit": &f.RateLimit, "server_error": &f.ServerError, "slow": &f.Slow, "lose": &f.Lose,
	}
}

// SetFaults replaces the faults. They apply to events emitted and requests received from now on.
func (s *Server) SetFaults(f Faults) error {
	for name, fault := range f.kinds() {
		if !(fault.Share >= 0 && fault.Share <= 1) || fault.Next < 0 {
			return invalid(name, name+": share must be from 0 to 1, and next 0 or more")
		}
	}
	if min(f.HoldMillis, f.DelayMillis, f.SlowMillis) < 0 {
		return invalid("delay_ms", "hold_ms, delay_ms and slow_ms must be 0 or more")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	return nil
}

// Faults returns the current faults. Each Next is what is left of it.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// hits reports whether the fault of that kind hits delivery or request number n. It counts down the fault's Next.
func (f *Faults) hits(kind string, n int) bool {
	fault := f.kinds()[kind]
	if fault.Next > 0 {
		fault.Next--
		return true
	}
	if fault.Share == 0 {
		return false
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", f.Seed, kind, n))
	return float64(binary.BigEndian.Uint64(sum[:])>>11)/(1<<53) < fault.Share
}

func millis(n, otherwise int) time.Duration {
	return time.Duration(cmp.Or(n, otherwise)) * time.Millisecond
}

// requestFault is what goes wrong with one request.
type requestFault struct {
	pause      time.Duration
	refusal    *problem
	retryAfter string
	lose       bool
}

func (s *Server) faultOfRequest() (r requestFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	f, n := &s.faults, s.requests
	if f.hits("slow", n) {
		r.pause = millis(f.SlowMillis, 1000)
	}
	switch {
	case f.hits("rate_limit", n):
		r.refusal, r.retryAfter = rateLimited, f.RetryAfter
	case f.hits("server_error", n):
		r.refusal = serverError
	default:
		r.lose = f.hits("lose", n)
	}
	return r
}
