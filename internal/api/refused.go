package api

import (
	"context"
	"strconv"
	"time"
)

// RefusedQuery selects refused deliveries. A zero field does not restrict the selection.
type RefusedQuery struct {
	Reason string    `query:"reason" enum:"bad_signature,bad_event,too_large,unavailable" doc:"Why they were refused."`
	After  time.Time `query:"after" doc:"Delivered at this time or later."`
	Before time.Time `query:"before" doc:"Delivered before this time."`
	ListQuery
}

// Refused is the sample of a delivery that was refused; not every refused delivery has one. It has nothing of the body but what names the event,
// and neither the signature nor a secret.
type Refused struct {
	ID       int64     `json:"id" doc:"Its number; the newest has the highest."`
	At       time.Time `json:"at" doc:"When it arrived."`
	Reason   string    `json:"reason" enum:"bad_signature,bad_event,too_large,unavailable" doc:"Why it was refused, as the metrics count it."`
	Status   int       `json:"status" doc:"The HTTP status of its answer."`
	Causes   []string  `json:"causes" doc:"What is wrong with it, as names from a closed set, the most important first."`
	Summary  string    `json:"summary" doc:"What is wrong with it, in words."`
	Advice   string    `json:"advice" doc:"What to do about it."`
	Client   string    `json:"client" doc:"The address that it came from, as far as TRUSTED_PROXIES lets the receiver know it."`
	Network  string    `json:"network" doc:"What counts as one address: for IPv6, a /64."`
	Evidence string    `json:"evidence" enum:"secret,address,none" doc:"What shows that the platform sent it: a known secret made the signature; authentic deliveries come from the address; or nothing."`
	Secret   string    `json:"secret,omitempty" doc:"The name of the secret that made the signature."`
	Source   string    `json:"secret_source,omitempty" doc:"Its webhook's ID, or the setting that it came from."`
	Bytes    *int64    `json:"bytes" doc:"Bytes of the body; null if that is not known."`
	BodyHash string    `json:"body_sha256,omitempty" doc:"SHA-256 of the body; left out if it was not read."`

	ContentType     string   `json:"content_type,omitempty" doc:"Its Content-Type."`
	ContentEncoding string   `json:"content_encoding,omitempty" doc:"Its Content-Encoding."`
	UserAgent       string   `json:"user_agent,omitempty" doc:"Its User-Agent."`
	HeaderNames     []string `json:"header_names" doc:"The names of its headers."`

	// What the body claims to be, if it can be read. It may be unsigned.
	EventID string `json:"event_id,omitempty" doc:"The event's ID, as the body has it. The body may be forged."`
	Type    string `json:"type,omitempty" doc:"Its type, as the body has it."`
	OrderID string `json:"order_id,omitempty" doc:"Its order, as the body has it."`
}

// Refusals lists samples of refused deliveries, newest first.
func (c *Client) Refusals(ctx context.Context, q RefusedQuery) (Page[Refused], error) {
	return get[Page[Refused]](ctx, c, RefusalsPath, encode(q))
}

// Refused returns one sample.
func (c *Client) Refused(ctx context.Context, id int64) (Refused, error) {
	return get[Refused](ctx, c, PathOf(RefusedPath, strconv.FormatInt(id, 10)), nil)
}
