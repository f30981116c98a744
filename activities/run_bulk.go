package activities

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"inorder"
	"inorder/internal/bulk"
	"inorder/internal/store"
)

// RunBulkInput names the bulk action to work on, and for how long at most, in nanoseconds.
type RunBulkInput struct {
	ID  string        `json:"id"`
	For time.Duration `json:"for"`
}

// BulkWaitsErrorType is the type of the application error of a bulk action that can't go on now.
const BulkWaitsErrorType = "BulkWaits"

// bulkPause is how long a bulk action waits for a server that is away, or for locked orders, before it tries again.
const bulkPause = 5 * time.Second

// RunBulk acts on events of a bulk action for a while, and returns the progress: see bulk.Runner. It ends early, without an error, when the
// worker stops or the activity is canceled. It may run twice: each event's act has an ID, so that it is recorded once.
func (a *Activities) RunBulk(ctx context.Context, in RunBulkInput) (bulk.Progress, error) {
	var progress atomic.Pointer[bulk.Progress]
	progress.Store(&bulk.Progress{})
	defer heartbeat(ctx, func() any { return progress.Load() })()

	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			stop()
		case <-running.Done():
		}
	}()
	r := bulk.Runner{Store: a.Store, Operator: a.Operator, Progress: func(p bulk.Progress) { progress.Store(&p) }}
	p, err := r.Run(running, in.ID, in.For)
	if err != nil {
		return p, bulkWaits(err)
	}
	return p, nil
}

// bulkWaits returns an error of a bulk action as the pending activity shows it: in words.
func bulkWaits(err error) error {
	return temporal.NewApplicationErrorWithOptions(inorder.Bounded(err.Error()), BulkWaitsErrorType, temporal.ApplicationErrorOptions{
		NextRetryDelay: bulkPause,
		Category:       temporal.ApplicationErrorCategoryBenign, // not an error for each attempt in the log
	})
}

// StopBulkInput names who stopped a bulk action in Temporal, and why.
type StopBulkInput struct {
	ID     string `json:"id"`
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// Canceled is set if a cancellation of the workflow stopped it. Who asked for it is in the run's history.
	Canceled bool `json:"canceled,omitempty"`
}

// StopBulk records that a bulk action is stopped, and returns its progress. It may run twice: one that has ended stays as it ended.
func (a *Activities) StopBulk(ctx context.Context, in StopBulkInput) (bulk.Progress, error) {
	by := store.Act{Action: store.ActStop, Via: store.ViaTemporal, Reason: in.Reason}
	if in.Canceled {
		by.Action = store.ActCancel
		by.Actor, by.Reason = a.canceledBy(ctx, []any{"bulk_id", in.ID})
	} else {
		by.Actor = a.signaledBy(ctx, []any{"bulk_id", in.ID}, "stop", in.Actor)
	}
	b, found, err := a.Store.StopBulk(ctx, in.ID, by)
	if err != nil {
		return bulk.Progress{}, fmt.Errorf("stop bulk %s: %w", in.ID, err)
	}
	if !found {
		return bulk.Progress{Ending: bulk.TakenBack}, nil
	}
	return bulk.ProgressOf(b), nil
}
