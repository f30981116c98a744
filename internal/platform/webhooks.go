package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
)

// Webhook is a URL that the platform delivers events to.
type Webhook struct {
	ID        string          `json:"id"`
	URL       string          `json:"url"`
	Events    []string        `json:"events"` // ["*"] is all
	IsActive  bool            `json:"is_active"`
	Secret    Secret          `json:"secret"`     // in CreateWebhook's answer only
	Metadata  json.RawMessage `json:"metadata"`   // null if the platform keeps none
	CreatedAt string          `json:"created_at"` // as sent

	// Unreadable says which field has another type than documented, and so has no meaning here, or that the webhook is not a
	// JSON object; "" if all could be read. Only lists hold such webhooks: a call for a single one fails.
	Unreadable string `json:"-"`
}

// UnmarshalJSON accepts any JSON, so that somebody else's webhook can't make a list unreadable.
func (w *Webhook) UnmarshalJSON(raw []byte) error {
	*w = Webhook{}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		w.Unreadable = "it is not a JSON object"
		return nil
	}
	for _, f := range []struct {
		name string
		to   any
	}{
		{"id", &w.ID}, {"url", &w.URL}, {"events", &w.Events}, {"is_active", &w.IsActive}, {"secret", &w.Secret}, {"metadata", &w.Metadata},
		{"created_at", &w.CreatedAt},
	} {
		if value, there := fields[f.name]; there && json.Unmarshal(value, f.to) != nil && w.Unreadable == "" {
			w.Unreadable = f.name + " does not have the documented type"
		}
	}
	return nil
}

// NewWebhook is the webhook that CreateWebhook asks for.
type NewWebhook struct {
	URL      string         `json:"url"`
	Events   []string       `json:"events"`
	IsActive *bool          `json:"is_active,omitempty"` // default true
	Metadata map[string]any `json:"metadata,omitempty"`  // known only from the platform's SDK: it may be ignored
}

// WebhookUpdate has the fields to change; nil leaves a field unchanged.
type WebhookUpdate struct {
	URL      *string        `json:"url,omitempty"`
	Events   []string       `json:"events,omitempty"`
	IsActive *bool          `json:"is_active,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// TestResult is the result of a test delivery.
type TestResult struct {
	Success        bool `json:"success"`
	StatusCode     int  `json:"status_code"`      // what the receiver answered
	ResponseTimeMS int  `json:"response_time_ms"` // 0 if the platform does not say
}

const webhooks = "/admin/webhooks"

// CreateWebhook creates a webhook. Only this answer shows its Secret. Retries inside the call make no second webhook; a second call
// does.
func (c *Client) CreateWebhook(ctx context.Context, w NewWebhook) (Webhook, error) {
	return c.webhook(ctx, http.MethodPost, webhooks, w)
}

// webhook makes a call whose answer is a webhook.
func (c *Client) webhook(ctx context.Context, method, path string, in any) (w Webhook, err error) {
	_, err = c.send(ctx, method, path, nil, in, &w)
	if err == nil && w.Unreadable != "" {
		err = &lasting{fmt.Errorf("platform: %s %s: the answer is not what the Admin API documents: %s", method, path, w.Unreadable)}
	}
	return w, err
}

// ListWebhooks returns one page.
func (c *Client) ListWebhooks(ctx context.Context, o ListOptions) (page Page[Webhook], err error) {
	page.Reading, err = c.send(ctx, http.MethodGet, webhooks, o.query(), nil, &page)
	return page, err
}

// Webhooks returns all webhooks, page after page. An error is the last element.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return all("", func(cursor string) (Page[Webhook], error) {
		return c.ListWebhooks(ctx, ListOptions{Limit: maxLimit, StartingAfter: cursor})
	})
}

// GetWebhook returns one webhook, without its secret.
func (c *Client) GetWebhook(ctx context.Context, id string) (Webhook, error) {
	return c.webhook(ctx, http.MethodGet, webhooks+"/"+url.PathEscape(id), nil)
}

// UpdateWebhook changes a webhook. It may be repeated.
func (c *Client) UpdateWebhook(ctx context.Context, id string, u WebhookUpdate) (Webhook, error) {
	return c.webhook(ctx, http.MethodPatch, webhooks+"/"+url.PathEscape(id), u)
}

// DeleteWebhook deletes a webhook. If the webhook is gone, IsNotFound is true of the error: either somebody else deleted it, or
// an earlier attempt did and its answer was lost.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	_, err := c.send(ctx, http.MethodDelete, webhooks+"/"+url.PathEscape(id), nil, nil, nil)
	return err
}

// TestWebhook makes the platform deliver a test event of that type, such as "order.created". If the receiver refuses it, that is
// no error: the result has Success false.
func (c *Client) TestWebhook(ctx context.Context, id, eventType string) (result TestResult, err error) {
	in := map[string]string{"event_type": eventType}
	_, err = c.send(ctx, http.MethodPost, webhooks+"/"+url.PathEscape(id)+"/test", nil, in, &result)
	return result, err
}
