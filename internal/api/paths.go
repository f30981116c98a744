package api

import (
	"net/url"
	"strings"
)

// The paths of the admin API. In {id} stands what PathOf fills in.
const (
	StatusPath = "/api/status"

	OrdersPath   = "/api/orders"
	OrderPath    = "/api/orders/{id}"
	TimelinePath = "/api/orders/{id}/timeline"
	BlockedPath  = "/api/orders/{id}/blocked"

	EventsPath  = "/api/events"
	EventPath   = "/api/events/{id}"
	RetryPath   = "/api/events/{id}/retry"
	DiscardPath = "/api/events/{id}/discard"
	ReplayPath  = "/api/events/{id}/replay"
	AmendPath   = "/api/events/{id}/amend"

	BulksPath      = "/api/bulk"
	BulkPath       = "/api/bulk/{id}"
	BulkEventsPath = "/api/bulk/{id}/events"
	StopBulkPath   = "/api/bulk/{id}/stop"

	RefusalsPath = "/api/refused"
	RefusedPath  = "/api/refused/{id}"

	AuditPath = "/api/audit"
)

// These need no token.
const (
	OpenAPIPath = "/openapi.json"
	DocsPath    = "/docs"
)

// PathOf is the path with an ID in it.
func PathOf(path, id string) string { return strings.Replace(path, "{id}", url.PathEscape(id), 1) }

// The headers of a POST that takes effect once, however often it is sent: the first of the request, the second, "true", of an answer that
// was given before.
const (
	IdempotencyHeader = "Idempotency-Key"
	ReplayedHeader    = "Idempotent-Replayed"
)
