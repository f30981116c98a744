package api

import (
	"context"
	"strconv"
	"time"
)

// RefusedQuery selects refused deliveries. Zero fields do not select.
type RefusedQuery struct {
	Reason string    `query:"reason" enum:"bad_signature,bad_event,too_large,unavailable" doc:"Why they were refused."`
	After  time.Time `query:"after" doc:"Delivered at this time or later."`
	Before time.Time `query:"before" doc:"Delivered before this time."`
	ListQuery
}

// Refused is a sample of the deliveries that were refused: not of each one there is a sample. It has nothing of the body but what names the event,
// and neither its signature nor a secret.
type Refused struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason" enum:"bad_signature,bad_event,too_large,unavailable"`
	Status   int       `json:"status"` // that it was answered
	Causes   []string  `json:"causes"` // what is wrong with it, of a closed set, the most important first
	Summary  string    `json:"summary"`
	Advice   string    `json:"advice"`
	Client   string    `json:"client"`                              // the address that it came from
	Network  string    `json:"network"`                             // what counts as one address
	Evidence string    `json:"evidence" enum:"secret,address,none"` // that the platform sent it: a known secret made the signature; authentic deliveries come from the address
	Secret   string    `json:"secret,omitempty"`                    // the name of the secret that made the signature
	Source   string    `json:"secret_source,omitempty"`             // its webhook's ID, or the setting that it came from
	Bytes    *int64    `json:"bytes"`                               // of the body; null if that is not known
	BodyHash string    `json:"body_sha256,omitempty"`               // "" if the body was not read

	ContentType     string   `json:"content_type,omitempty"`
	ContentEncoding string   `json:"content_encoding,omitempty"`
	UserAgent       string   `json:"user_agent,omitempty"`
	HeaderNames     []string `json:"header_names"`

	// What the body says that it is, if it can be read. Nobody may have signed it.
	EventID string `json:"event_id,omitempty"`
	Type    string `json:"type,omitempty"`
	OrderID string `json:"order_id,omitempty"`
}

// Refusals lists samples of refused deliveries, newest first.
func (c *Client) Refusals(ctx context.Context, q RefusedQuery) (Page[Refused], error) {
	return get[Page[Refused]](ctx, c, RefusalsPath, encode(q))
}

// Refused is one of them.
func (c *Client) Refused(ctx context.Context, id int64) (Refused, error) {
	return get[Refused](ctx, c, PathOf(RefusedPath, strconv.FormatInt(id, 10)), nil)
}
