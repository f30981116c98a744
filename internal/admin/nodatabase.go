package admin

import (
	"context"
	"encoding/json"

	"inorder/internal/api"
	"inorder/internal/operate"
)

// noDatabase is the Operator and the Bulks of a process without DATABASE_URL, such as a receiver that has Temporal alone.
type noDatabase struct{}

var errNoDatabase = unavailable("postgres", "this process has no DATABASE_URL, so it can't do this; ask another one, such as a worker")

func (noDatabase) Retry(context.Context, string, operate.Act) (d api.Done, _ error) {
	return d, errNoDatabase
}

func (noDatabase) Discard(context.Context, string, operate.Act) (d api.Done, _ error) {
	return d, errNoDatabase
}

func (noDatabase) Replay(context.Context, string, operate.Act) (d api.Done, _ error) {
	return d, errNoDatabase
}

func (noDatabase) Amend(context.Context, string, json.RawMessage, operate.Act) (d api.Done, _ error) {
	return d, errNoDatabase
}

func (noDatabase) Preview(context.Context, api.BulkRequest) (p api.Preview, _ error) {
	return p, errNoDatabase
}

func (noDatabase) Start(context.Context, api.BulkRequest, string, string) (s api.Started, _ error) {
	return s, errNoDatabase
}

func (noDatabase) Get(context.Context, string) (b api.Bulk, _ error) { return b, errNoDatabase }

func (noDatabase) Stop(context.Context, string, string, string) (b api.Bulk, _ error) {
	return b, errNoDatabase
}

func (noDatabase) Events(context.Context, string, int, bool, int) ([]api.BulkEnd, error) {
	return nil, errNoDatabase
}
