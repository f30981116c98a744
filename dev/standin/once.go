package standin

import (
	"net/http"
	"time"
)

// idempotencyTTL is how long the platform remembers an Idempotency-Key.
const idempotencyTTL = 24 * time.Hour

// remembered is a POST that was or is being performed.
type remembered struct {
	at   time.Time
	done chan struct{} // closed when reply is there
	reply
}

// once performs a POST with an Idempotency-Key once in 24 hours for each API key and answers every repetition alike,
// whatever its body. What fails is forgotten. A repetition that comes while the first is under way waits for it.
func (s *Server) once(c call, perform func() reply) reply {
	header := c.Header.Get("Idempotency-Key")
	if c.Method != http.MethodPost || header == "" {
		return perform()
	}
	key := c.key + "\n" + header
	for {
		entry, first := s.remember(key)
		if first {
			defer close(entry.done)
			entry.reply = perform()
			if entry.status < 200 || entry.status > 299 {
				s.forget(key)
			}
			return entry.reply
		}
		<-entry.done
		if entry.status >= 200 && entry.status <= 299 {
			return entry.reply
		}
	}
}

// remember finds the entry of a key, or makes it; first says that the caller is to perform it.
func (s *Server) remember(key string) (entry *remembered, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	for k, e := range s.replies {
		if now.Sub(e.at) >= idempotencyTTL {
			delete(s.replies, k)
		}
	}
	if e, found := s.replies[key]; found {
		return e, false
	}
	entry = &remembered{at: now, done: make(chan struct{})}
	s.replies[key] = entry
	return entry, true
}

func (s *Server) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.replies, key)
}
