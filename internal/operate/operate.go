// Package operate does what people do to events: retry, discard, replay and amend, one event at a time. It works with whatever
// still has the event: PostgreSQL, its workflow, or the input of a run that ended. The caller decides who may act; lists and
// views are in internal/store/view.
package operate

import (
	"context"
	"fmt"
	"time"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
	"inorder/internal/sweep"
	"inorder/internal/telemetry"
	"inorder/internal/traffic"
)

// Act is who acts, why, and as a part of which bulk action.
type Act struct {
	Actor  string
	Reason string
	BulkID string // "" for none
	// ID identifies an act that may be tried again, so that it is recorded once; "" for an act that is not tried again.
	ID string
}

// Engine is what actions need of Temporal; workflows.Events implements it. Every method may be called again. A workflow's ID is the event's, or that
// of its replay.
type Engine interface {
	sweep.Engine
	// Describe returns what Temporal knows of the newest run; found is false if it has none.
	Describe(ctx context.Context, workflowID string) (r Run, found bool, err error)
	// RetryBy and DiscardBy signal the run. alive is false if none is running. The signal says that the act is in the audit already.
	RetryBy(ctx context.Context, workflowID string, by Act) (alive bool, err error)
	DiscardBy(ctx context.Context, workflowID string, by Act) (alive bool, err error)
	// Replay starts the workflow inorder-replay-<event>-<n>, which applies the event's payload again. started is false if a workflow with
	// this ID exists or existed. The error is a RefusedError if Temporal will never accept the event.
	Replay(ctx context.Context, e inorder.Event, n int, by Act) (workflowID string, started bool, err error)
	// Replace starts the event's workflow with another body, in place of the running one, if any. The error is a RefusedError if Temporal
	// will never accept the event.
	Replace(ctx context.Context, e inorder.Event, workflowID string) error
	// URL returns the page of a workflow in Temporal's UI; "" if the UI's address is not known.
	URL(workflowID, runID string) string
}

// Run is what Temporal knows of a run.
type Run struct {
	WorkflowID, RunID string
	Running           bool
	OrderID           string // as far as Temporal has it; "" for none
	Phase             string // the value of EventPhase; "" on the fast path, or once it has ended
	Status            string // running, completed, failed, canceled, terminated, continued_as_new or timed_out
	StartedAt         time.Time
	ClosedAt          time.Time // zero while it runs
	Attempt           int       // of the pending activity; 0 without one
	Activity          string    // its type
	LastFailure       string    // of the attempt before
	FailedAt          time.Time // when that was; zero if none has failed
	NextAttempt       time.Time // zero if it runs now
}

func (r Run) id() sweep.Run { return sweep.Run{WorkflowID: r.WorkflowID, RunID: r.RunID} }

// Releases reports whether the run is waking the events that wait for the order that this run's event created.
func (r Run) Releases() bool { return r.Running && r.Activity == "ReleaseWaiting" }

// Operator acts on events. Its methods may be called concurrently with each other and with whatever else happens to the event; an action that comes
// too late is an UnfitError. Each act that is done is in the audit. The error is one of the types below, or one that no caller caused.
type Operator struct {
	Store  *store.Store
	Engine Engine
	// Due makes the drainer of the inbox run at once; it may be nil.
	Due     func()
	Traffic *traffic.Recorder // nil: nothing is counted
	Ends    *telemetry.Ends   // nil: nothing is logged of events that end
}

// UnknownError says that nothing knows the event.
type UnknownError struct{ EventID string }

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no event %s", e.EventID) }

// UnfitError says that an action does not fit, and which would.
type UnfitError struct {
	EventID string
	Why     string
	Actions []api.Action
	Ended   bool // the event has ended
}

func (e *UnfitError) Error() string { return fmt.Sprintf("event %s: %s", e.EventID, e.Why) }

// UnavailableError says which server does not answer, and what was not done.
type UnavailableError struct {
	Source string // postgres or temporal
	Why    string
	Cause  error // for the log; nil if there is none
}

func (e *UnavailableError) Error() string { return e.Source + " does not answer: " + e.Why }
func (e *UnavailableError) Unwrap() error { return e.Cause }

// RefusedError says why Temporal will never accept an event.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return "Temporal refused the event: " + e.Why }

// InvalidError says what is wrong with a request's field.
type InvalidError struct{ Location, Message string }

func (e *InvalidError) Error() string { return e.Location + ": " + e.Message }
