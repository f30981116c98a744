package sweep

import (
	"context"
	"time"

	"inorder"
)

// Run is one execution of an event's workflow.
type Run struct{ EventID, RunID string }

// Engine is what a sweep and a release need of Temporal. Every method may be called again. Those that return pages return
// next as nil after the last one.
type Engine interface {
	// Revive starts the workflow of an event that has not ended, whatever became of an earlier one. started is false if one
	// is running.
	Revive(ctx context.Context, e inorder.Event) (started bool, err error)
	// Wake signals the event's workflow that its order is there. alive is false if none is running.
	Wake(ctx context.Context, eventID string) (alive bool, err error)
	// Retry signals the event's workflow to apply the event again, whatever its phase. alive is false if none is running.
	Retry(ctx context.Context, eventID string) (alive bool, err error)
	// Running reports whether the event's workflow is running.
	Running(ctx context.Context, eventID string) (bool, error)
	// InAttention returns a page of the events whose workflow is running in attention.
	InAttention(ctx context.Context, page []byte) (events []string, next []byte, err error)
	// Lost returns a page of the events' runs that ended without a result since a time.
	Lost(ctx context.Context, since time.Time, page []byte) (runs []Run, next []byte, err error)
	// Input returns the event that a run was started with; found is false if Temporal has forgotten it.
	Input(ctx context.Context, r Run) (e inorder.Event, found bool, err error)
}
