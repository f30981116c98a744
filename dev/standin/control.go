package standin

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// routeControl adds the control API, with which tests and people control the stand-in. The platform has no such API.
func (s *Server) routeControl() {
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET /_standin/state": func(*http.Request) (any, error) { return s.Stats(), nil },
		"POST /_standin/orders": func(r *http.Request) (any, error) {
			var p Placement
			if err := readJSON(r, &p); err != nil {
				return nil, err
			}
			orders, err := s.Place(p)
			return map[string]any{"orders": orders}, err
		},
		"GET /_standin/orders": func(*http.Request) (any, error) { return map[string]any{"orders": s.Orders()}, nil },
		"POST /_standin/orders/{id}/{action}": func(r *http.Request) (any, error) {
			return s.Advance(r.PathValue("id"), r.PathValue("action"))
		},
		"GET /_standin/faults": func(*http.Request) (any, error) { return s.Faults(), nil },
		"PUT /_standin/faults": func(r *http.Request) (any, error) {
			var f Faults
			if err := readJSON(r, &f); err != nil {
				return nil, err
			}
			return f, s.SetFaults(f)
		},
		"GET /_standin/deliveries": func(r *http.Request) (any, error) { // with ?after=N, only attempts numbered above N
			after, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("after"), "0"))
			if err != nil {
				return nil, invalid("after", "after must be the number of an attempt")
			}
			return map[string]any{"deliveries": s.DeliveriesAfter(after)}, nil
		},
		"GET /_standin/webhooks": func(*http.Request) (any, error) { return map[string]any{"webhooks": s.Webhooks()}, nil },
		"POST /_standin/webhooks/{id}/deactivate": func(r *http.Request) (any, error) {
			return map[string]any{"id": r.PathValue("id"), "is_active": false}, s.Deactivate(r.PathValue("id"))
		},
		"POST /_standin/wait": s.waitFor,
	} {
		s.mux.Handle(pattern, s.control(h))
	}
	s.mux.Handle("/_standin/", s.control(func(r *http.Request) (any, error) { return nil, notFound("Route", r.Method+" "+r.URL.Path) }))
}

// WebhookState is a webhook as the control API shows it: with its mode, without its secret.
type WebhookState struct {
	Webhook
	Mode string `json:"mode"`
}

// Webhooks returns the webhooks of both modes that are not deleted, oldest first.
func (s *Server) Webhooks() []WebhookState {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []WebhookState{}
	for _, w := range s.webhooks {
		if !w.deleted {
			all = append(all, WebhookState{w.Webhook, w.mode}) // a shallow copy is enough: an update replaces slices and maps
		}
	}
	return all
}

// Deactivate makes a webhook inactive, as the platform does to webhooks that keep failing.
func (s *Server) Deactivate(webhookID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.findWebhook(webhookID, "")
	if err == nil {
		w.IsActive = false
	}
	return err
}

// waitFor waits until no delivery is pending, for at most ?timeout=, by default 30s.
func (s *Server) waitFor(r *http.Request) (any, error) {
	timeout := 30 * time.Second
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil {
			return nil, invalid("timeout", "timeout must be a duration such as 10s")
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	if err := s.WaitIdle(ctx); err != nil {
		return nil, &problem{http.StatusGatewayTimeout, "timeout", "NOT_IDLE", err.Error(), nil}
	}
	return s.Stats(), nil
}

func (s *Server) control(h func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := h(r)
		s.write(w, s.reply(http.StatusOK, v, err))
	})
}

// readJSON accepts an empty body as {}, and refuses unknown fields: otherwise a misspelt fault would silently set none.
func readJSON(r *http.Request, v any) error {
	if r.ContentLength == 0 {
		return nil
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid("body", "The body is invalid: "+err.Error())
	}
	return nil
}
