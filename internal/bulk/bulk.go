// Package bulk does one action to many events. Their set is fixed when the bulk action begins, as rows of bulk_events. A workflow with the
// bulk action's ID works through them at a rate. Package operate does the action to each event.
package bulk

import (
	"context"
	"fmt"

	"inorder/internal/api"
	"inorder/internal/store"
	"inorder/internal/store/view"
	"inorder/internal/words"
)

// Bulks previews, starts, shows and stops bulk actions. Its errors are typed: operate.InvalidError, operate.UnavailableError, and those
// below.
type Bulks struct {
	Store  *store.Store
	Engine Engine
}

// Engine is what bulks need of Temporal; workflows.Bulks implements it. Every method may be called again.
type Engine interface {
	// StartBulk starts the workflow of a bulk. If it runs already, that is no error.
	StartBulk(ctx context.Context, id, summary string) error
	// StopBulk signals the workflow of a bulk that the bulk was stopped, which is recorded already. alive is false if no workflow is running.
	StopBulk(ctx context.Context, id string) (alive bool, err error)
	// DescribeBulk returns what Temporal knows of the workflow of a bulk; found is false if it has none.
	DescribeBulk(ctx context.Context, id string) (r Run, found bool, err error)
	// ListRunning returns about a page, after a position, of the events that the filter selects and whose workflow runs in one of the
	// states, newest start first: see inspect.Engine.
	ListRunning(ctx context.Context, f api.Filter, states []api.State, after view.Position, limit int) (view.Found, error)
	// URL returns the page of a workflow in Temporal's UI; "" if the UI's address is not known.
	URL(workflowID, runID string) string
}

// Run is what Temporal knows of a bulk's newest run.
type Run struct {
	RunID   string
	Running bool
	Status  string // in Temporal's words, lower case
	Problem string // why its pending activity failed last, or why its code fails; "" if it did not
}

// UnknownError says that there is no such bulk.
type UnknownError struct{ ID string }

func (e *UnknownError) Error() string { return "there is no bulk action " + e.ID }

// ChangedError says that the set is not the one that the preview showed.
type ChangedError struct{ Expected, Now int }

func (e *ChangedError) Error() string {
	if e.Expected == e.Now {
		return fmt.Sprintf("the filter selects different events than in the preview, though again %d; nothing was done", e.Now)
	}
	return fmt.Sprintf("the filter selects %s now, and selected %d in the preview; nothing was done", words.Count(e.Now, "event"), e.Expected)
}

// EndedError says that a bulk has ended by itself, and so can't be stopped.
type EndedError struct{ ID string }

func (e *EndedError) Error() string { return "the bulk action " + e.ID + " is done" }

const (
	defaultRate = 50 // events per second
	maxRate     = 1000
	shown       = 10  // events in a preview
	failures    = 100 // that Get lists
	// maxEvents is the most events that a bulk takes. Their IDs are in memory while it begins.
	maxEvents = 1_000_000
)
