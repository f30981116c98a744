package standin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const maxBody = 1 << 20 // bytes of a request

// call is a request to the Admin API with a valid key.
type call struct {
	*http.Request
	key  string
	mode string // "live" or "test"
	body []byte
}

// handler answers a call with a status and the value to marshal as the body, or nil for no body.
type handler func(call) (int, any, error)

// reply is an answer, ready to be sent or remembered.
type reply struct {
	status int
	body   []byte
	at     time.Time // the Date header
}

func (s *Server) routeAdmin() {
	for pattern, h := range map[string]handler{
		"POST /v1/admin/webhooks":        s.createWebhook,
		"GET /v1/admin/webhooks":         s.listWebhooks,
		"GET /v1/admin/webhooks/{id}":    s.getWebhook,
		"PATCH /v1/admin/webhooks/{id}":  s.updateWebhook,
		"DELETE /v1/admin/webhooks/{id}": s.deleteWebhook,
		"GET /v1/admin/orders":           s.listOrders,
		"GET /v1/admin/orders/{id}":      s.getOrder,
	} {
		s.mux.Handle(pattern, s.admin(s.locked(h)))
	}
	s.mux.Handle("POST /v1/admin/webhooks/{id}/test", s.admin(s.testWebhook)) // calls out, so not under the lock
	s.mux.Handle("/v1/", s.admin(func(c call) (int, any, error) { return 0, nil, notFound("Route", c.Method+" "+c.URL.Path) }))
}

// locked runs a handler and marshals its result under the lock.
func (s *Server) locked(h handler) handler {
	return func(c call) (int, any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		status, v, err := h(c)
		if err != nil || v == nil {
			return status, v, err
		}
		raw, err := json.Marshal(v)
		return status, json.RawMessage(raw), err
	}
}

// admin checks the key, applies the faults, and performs a POST once per Idempotency-Key.
func (s *Server) admin(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{Request: r}
		var refusal *problem
		if c.key, c.mode, refusal = s.authenticate(r); refusal != nil {
			s.write(w, s.reply(0, nil, refusal))
			return
		}
		fault := s.faultOfRequest()
		if fault.pause > 0 {
			wait(r, fault.pause)
		}
		if fault.refusal != nil {
			if fault.retryAfter != "" {
				w.Header().Set("Retry-After", fault.retryAfter)
			}
			s.write(w, s.reply(0, nil, fault.refusal))
			return
		}
		var err error
		if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			s.write(w, s.reply(0, nil, invalid("body", "The body cannot be read or is longer than 1 MiB")))
			return
		}
		at := s.opts.Now() // before the handler reads, so that any concurrent change has this time or a later one
		answer := s.once(c, func() reply { return s.reply(h(c)) })
		answer.at = at
		if fault.lose {
			panic(http.ErrAbortHandler) // cuts the connection: the request was performed, but the client never learns that
		}
		s.write(w, answer)
	})
}

func (s *Server) authenticate(r *http.Request) (key, mode string, refusal *problem) {
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !bearer || key == "":
		return "", "", missingKey
	case !slices.Contains(s.opts.Keys, key):
		return "", "", unknownKey
	case strings.HasPrefix(key, "sk_live_"):
		return key, "live", nil
	case strings.HasPrefix(key, "sk_test_"):
		return key, "test", nil
	case strings.HasPrefix(key, "pk_"):
		return "", "", noSecretKey
	}
	return "", "", unknownKey
}

func wait(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

func (s *Server) reply(status int, v any, err error) reply {
	if err != nil {
		p := serverError
		errors.As(err, &p)
		status, v = p.status, map[string]any{"error": p}
	}
	answer := reply{status: status, at: s.opts.Now()}
	if v != nil {
		answer.body, _ = json.Marshal(v)
	}
	return answer
}

func (s *Server) write(w http.ResponseWriter, r reply) {
	w.Header().Set("Date", r.at.UTC().Format(http.TimeFormat))
	if r.body != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}
