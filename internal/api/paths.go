package api

import (
	"net/url"
	"strings"
)

// The paths of the admin API. PathOf fills in {id}.
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

// PathOf returns the path with an ID in it. The IDs "." and ".." are escaped, too: in a path they would be steps.
func PathOf(path, id string) string {
	escaped := url.PathEscape(id)
	if id == "." || id == ".." {
		escaped = strings.ReplaceAll(id, ".", "%2E")
	}
	return strings.Replace(path, "{id}", escaped, 1)
}

// The headers of a POST that takes effect once, however often it is sent. The request has IdempotencyHeader; an answer that was given
// before has ReplayedHeader, "true".
const (
	IdempotencyHeader = "Idempotency-Key"
	ReplayedHeader    = "Idempotent-Replayed"
)
