package standin

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// idempotencyTTL is how long the platform remembers an Idempotency-Key.
const idempotencyTTL = 24 * time.Hour

// remembered is a POST that was performed or is being performed.
type remembered struct {
	at    time.Time
	reply func() reply // the first call performs the POST; later calls wait for it and return the same answer
}

// once performs a POST with an Idempotency-Key once in 24 hours per API key. It gives every repetition the same answer,
// whatever its body. A failure is not remembered: only repetitions that already wait for it get the same answer.
func (s *Server) once(c call, perform func() reply) reply {
	header := c.Header.Get("Idempotency-Key")
	if c.Method != http.MethodPost || header == "" {
		return perform()
	}
	key, now := c.key+"\n"+header, s.opts.Now()
	s.mu.Lock()
	maps.DeleteFunc(s.replies, func(_ string, r *remembered) bool { return now.Sub(r.at) >= idempotencyTTL })
	r, found := s.replies[key]
	if !found {
		r = &remembered{now, sync.OnceValue(perform)}
		s.replies[key] = r
	}
	s.mu.Unlock()
	answer := r.reply()
	if answer.status/100 != 2 {
		s.mu.Lock()
		maps.DeleteFunc(s.replies, func(_ string, other *remembered) bool { return other == r })
		s.mu.Unlock()
	}
	return answer
}
