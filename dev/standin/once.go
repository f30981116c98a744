package standin

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// idempotencyTTL is how long the platform remembers an Idempotency-Key.
const idempotencyTTL = 24 * time.Hour

// remembered is a POST that was or is being performed.
type remembered struct {
	at    time.Time
	reply func() reply // performs it the first time; later calls wait for that one and return its answer
}

// once performs a POST with an Idempotency-Key once in 24 hours for each API key, and answers every repetition alike,
// whatever its body. A failure is forgotten, except by those who waited for it.
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
