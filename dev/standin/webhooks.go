package standin

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Webhook has the fields of a webhook that both the Admin API and the control API show.
type Webhook struct {
	ID        string         `json:"id"`
	URL       string         `json:"url"`
	Events    []string       `json:"events"`
	IsActive  bool           `json:"is_active"`
	Metadata  map[string]any `json:"metadata"`
	CreatedAt string         `json:"created_at"`
}

// webhook is a webhook as the Admin API shows it. Its secret is null there, except in the answer to its creation.
type webhook struct {
	Webhook
	Secret *string `json:"secret"`

	mode    string
	secret  string
	deleted bool
	failed  int       // deliveries given up in a row
	held    *delivery // held back by a reorder fault until the next delivery has been sent
}

// webhookInput is the body of a create or an update.
type webhookInput struct {
	URL      *string        `json:"url"`
	Events   *[]string      `json:"events"`
	IsActive *bool          `json:"is_active"`
	Metadata map[string]any `json:"metadata"`
}

func (s *Server) createWebhook(c call) (int, any, error) {
	w := &webhook{Webhook: Webhook{ID: s.newID("wh"), IsActive: true, CreatedAt: s.now()}, mode: c.mode}
	in, err := s.readWebhook(c.body)
	switch {
	case err != nil:
		return 0, nil, err
	case in.URL == nil:
		return 0, nil, invalid("url", "url is required")
	case in.Events == nil:
		return 0, nil, invalid("events", "events is required")
	}
	if !s.opts.NoMetadata {
		w.Metadata = map[string]any{}
	}
	if s.opts.NoInactive {
		in.IsActive = nil
	}
	w.apply(in)
	var random [16]byte
	_, _ = rand.Read(random[:])
	w.secret = "whsec_" + hex.EncodeToString(random[:])
	s.webhooks = append(s.webhooks, w)

	shown := *w
	shown.Secret = &w.secret
	return http.StatusCreated, shown, nil
}

func (s *Server) listWebhooks(c call) (int, any, error) {
	page, _, err := paginate(s.webhooks, c.URL.Query(), func(w *webhook) string { return w.ID },
		func(w *webhook) bool { return w.mode == c.mode && !w.deleted })
	return http.StatusOK, page, err
}

func (s *Server) getWebhook(c call) (int, any, error) {
	w, err := s.findWebhook(c.PathValue("id"), c.mode)
	return http.StatusOK, w, err
}

func (s *Server) updateWebhook(c call) (int, any, error) {
	w, err := s.findWebhook(c.PathValue("id"), c.mode)
	if err != nil {
		return 0, nil, err
	}
	in, err := s.readWebhook(c.body)
	if err != nil {
		return 0, nil, err
	}
	w.apply(in)
	return http.StatusOK, w, nil
}

func (s *Server) deleteWebhook(c call) (int, any, error) {
	w, err := s.findWebhook(c.PathValue("id"), c.mode)
	if err != nil {
		return 0, nil, err
	}
	w.deleted = true
	if s.opts.DeleteSaysNone {
		return http.StatusNoContent, nil, nil
	}
	return http.StatusOK, map[string]any{"id": w.ID, "deleted": true}, nil
}

// findWebhook returns a webhook of the mode, or of either mode if mode is "".
func (s *Server) findWebhook(id, mode string) (*webhook, error) {
	for _, w := range s.webhooks {
		if w.ID == id && (mode == "" || w.mode == mode) && !w.deleted {
			return w, nil
		}
	}
	return nil, notFound("Webhook", id)
}

func (s *Server) readWebhook(body []byte) (in webhookInput, err error) {
	err = json.Unmarshal(body, &in)
	if s.opts.NoMetadata {
		in.Metadata = nil
	}
	if err != nil {
		return in, invalid("body", "The body must be a JSON object with url, events, is_active and metadata of their kinds")
	}
	if in.URL != nil && !s.acceptable(*in.URL) {
		return in, invalid("url", "url must be a valid HTTPS URL")
	}
	if in.Events != nil {
		if len(*in.Events) == 0 {
			return in, invalid("events", "events must name at least one event type")
		}
		for _, e := range *in.Events {
			if !s.subscribable(e) {
				return in, invalid("events", "Unknown event type: "+e)
			}
		}
	}
	return in, nil
}

func (w *webhook) apply(in webhookInput) {
	if in.URL != nil {
		w.URL = *in.URL
	}
	if in.Events != nil {
		w.Events = *in.Events
	}
	if in.IsActive != nil {
		w.IsActive, w.failed = *in.IsActive, 0
	}
	if in.Metadata != nil {
		w.Metadata = maps.Clone(in.Metadata)
	}
}

func (s *Server) acceptable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && (loopback || s.opts.AllowHTTP)
}

// eventTypes are the types that the documents, their samples or the SDK name.
var eventTypes = []string{
	"order.created", "order.confirmed", "order.completed", "order.cancelled", "order.paid", "order.fulfilled", "order.updated",
	"payment.created", "payment.completed", "payment.failed", "payment.refunded",
	"fulfillment.created", "fulfillment.shipped", "fulfillment.delivered", "return.requested", "return.completed",
	"product.created", "product.updated", "product.deleted", "inventory.low", "inventory.out_of_stock",
	"customer.created", "customer.updated",
}

// subscribable reports whether a webhook can subscribe to the event. It accepts any name in families of undocumented types.
func (s *Server) subscribable(event string) bool {
	family, name, _ := strings.Cut(event, ".")
	switch {
	case event == "*", slices.Contains(eventTypes, event):
		return true
	case name == "*":
		return s.opts.FamilyWildcards && slices.ContainsFunc(eventTypes, func(t string) bool { return strings.HasPrefix(t, family+".") })
	}
	return name != "" && slices.Contains([]string{"variant", "cart", "discount", "refund"}, family)
}

// wants reports whether the webhook subscribed to the event's type.
func (w *webhook) wants(event string) bool {
	family, _, _ := strings.Cut(event, ".")
	return slices.ContainsFunc(w.Events, func(e string) bool { return e == "*" || e == event || e == family+".*" })
}
