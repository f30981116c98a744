// Package inspect answers what operators ask. It joins what PostgreSQL has (internal/store/view) with what only Temporal knows, such as events
// that are being applied and the last failure of an activity. Missing says which of the two did not answer, and what the answer lacks.
// It changes nothing; internal/operate does that.
package inspect

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/ready"
	"inorder/internal/store"
	"inorder/internal/store/view"
	"inorder/internal/sweep"
)

// Engine is what an Inspector needs of Temporal; workflows.Events implements it.
type Engine interface {
	// Describe returns what Temporal knows of the newest run; found is false if it has none.
	Describe(ctx context.Context, workflowID string) (r operate.Run, found bool, err error)
	// Input returns the event that a run was started with; found is false if Temporal has forgotten it.
	Input(ctx context.Context, r sweep.Run) (e inorder.Event, found bool, err error)
	// NextLook returns when a waiting event is applied again by itself; zero for never. It asks the workflow, and so a worker.
	NextLook(ctx context.Context, workflowID string) (time.Time, error)
	// ListRunning returns the events after a place that the filter selects and whose workflow runs in one of the states, newest start first, about a
	// page of them. Temporal knows only when a run started, which stands for the time of receipt.
	ListRunning(ctx context.Context, f api.Filter, states []api.State, after view.Position, limit int) (view.Found, error)
	// CountApplying returns how many events are being applied, and when the oldest run started. With many events, oldest may be a little late.
	CountApplying(ctx context.Context) (n int, oldest time.Time, err error)
	// Failing returns a few of the workflows whose workflow tasks fail, the newest.
	Failing(ctx context.Context) ([]api.FailingTask, error)
	// URL returns the page of a workflow in Temporal's UI; "" if the UI's address is not known.
	URL(workflowID, runID string) string
}

// Inspector answers operators, each within seconds, whatever the servers do. The errors of its methods are *operate.UnknownError,
// *UnknownOrderError, *UnknownRefusedError, *operate.UnavailableError and *operate.InvalidError; any other is a fault of the program.
type Inspector struct {
	View   *view.View // nil in a process without DATABASE_URL
	Engine Engine
	// Checks are run by Status, one for each server that it reports on.
	Checks []ready.Check
	// Patience is how long a server may take to answer one question; default 2 s.
	Patience time.Duration
	// Keep is how old Temporal's answers about all workflows may be in Status; default 1 s.
	Keep time.Duration

	counted  recently[applying]
	failures recently[[]api.FailingTask]
}

// applying is how many events are being applied, and when the oldest of them was started.
type applying struct {
	n      int
	oldest time.Time
}

// UnknownOrderError says that there is no such order.
type UnknownOrderError struct{ OrderID string }

func (e *UnknownOrderError) Error() string { return "there is no order " + e.OrderID }

const postgres, temporal = "postgres", "temporal" // sources

func (i *Inspector) patience() time.Duration { return cmp.Or(i.Patience, 2*time.Second) }

func (i *Inspector) keep() time.Duration { return cmp.Or(i.Keep, time.Second) }

// ask asks a server one question, and waits as long as patience allows.
func ask[T any](ctx context.Context, i *Inspector, question func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, i.patience())
	defer cancel()
	return question(ctx)
}

// errNoDatabase is why a process without DATABASE_URL has no answer.
var errNoDatabase = errors.New("this process has no DATABASE_URL")

// read asks PostgreSQL.
func read[T any](ctx context.Context, i *Inspector, question func(context.Context, *view.View) (T, error)) (answer T, err error) {
	if i.View == nil {
		return answer, errNoDatabase
	}
	return ask(ctx, i, func(ctx context.Context) (T, error) { return question(ctx, i.View) })
}

// only returns the error to report for a question that PostgreSQL alone can answer.
func only(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, view.ErrCursor):
		return &operate.InvalidError{Location: "query.cursor", Message: view.ErrCursor.Error()}
	case errors.Is(err, errNoDatabase):
		return unavailable(postgres, errNoDatabase.Error()+": ask another one, such as a worker", err)
	case isFault(err):
		return err
	}
	return unavailable(postgres, because(err)+"this can't be shown without it: try again in a moment", err)
}

// isFault reports whether PostgreSQL refused the statement: asking again changes nothing.
func isFault(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) < 2 {
		return false
	}
	switch pg.Code[:2] {
	case "08", "53", "55", "57", "58": // the connection, resources, a lock, an operator, the system
		return false
	}
	return true
}

// because returns how an error's text begins: with PostgreSQL's reason, if a person can do something about it; "" otherwise.
func because(err error) string {
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, errNoDatabase):
		return errNoDatabase.Error() + "; "
	case !errors.As(err, &pg):
		return ""
	case pg.Code == "55P03":
		return "another session has locked a table; "
	case pg.Code == "57014":
		return "it took too long; "
	}
	return ""
}

func unavailable(source, why string, cause error) error {
	return &operate.UnavailableError{Source: source, Why: why, Cause: cause}
}

// lacks notes that a source did not answer, if err is not nil, and what the answer therefore lacks.
func lacks(missing *[]api.Missing, source string, err error, what string) {
	switch lacking := store.Lacking(err); {
	case lacking != "":
		*missing = append(*missing, api.Missing{Source: source, Why: lacking + "; " + what})
	case err != nil:
		*missing = append(*missing, api.Missing{Source: source, Why: "it does not answer: " + because(err) + what})
	}
}
