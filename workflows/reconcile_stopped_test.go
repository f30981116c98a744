package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/internal/reconcile"
	"inorder/workflows"
)

// stopped returns the result of a page whose listing can't go on.
func stopped(why string, next *reconcile.Cursor, suspects ...string) activities.ReconcilePageResult {
	p := page(next, suspects...)
	p.Stopped = why
	return p
}

func TestAReconciliationThatCannotGoOnEndsAndSaysSo(t *testing.T) {
	third := &reconcile.Cursor{Listing: 1}
	t.Run("a listing: the others are compared, and what drifted is compared once more", func(t *testing.T) {
		s := newReconciling(t, stopped("the first: 400", third, "order_1"), stopped("the second: 404", nil, "order_2"))
		s.closed = []string{"order_3"}
		s.run(workflows.ReconcileInput{})
		r := s.result()
		require.Equal(t, "the first: 400", r.Stopped)
		require.Equal(t, 203, r.Compared)
		require.Equal(t, [][]string{{"order_1", "order_2", "order_3"}}, s.rechecks)
		require.Equal(t, []activities.FinishReconcileInput{{Totals: r.Totals, Stopped: r.Stopped}}, s.finished)
		require.Equal(t, r.Stopped, s.progress().Stopped)
		require.Contains(t, s.details(), "**Not all orders were compared**: the first: 400. The next reconciliation starts over.")
	})
	t.Run("the orders that are open here alone", func(t *testing.T) {
		s := newReconciling(t, page(nil, "order_1"))
		s.stopped = temporal.NewNonRetryableApplicationError("422", activities.StoppedErrorType, nil)
		s.run(workflows.ReconcileInput{})
		require.Equal(t, "422", s.result().Stopped)
		require.Equal(t, [][]string{{"order_1"}}, s.rechecks)
		require.Equal(t, "422", s.finished[0].Stopped)
	})
	t.Run("no worker with a key is there any more", func(t *testing.T) {
		s := newReconciling(t, page(third, "order_1", "order_2"), temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil))
		s.run(workflows.ReconcileInput{})
		r := s.result()
		require.Contains(t, r.Stopped, "no worker with HEADLESS_COMMERCE_API_KEY")
		require.Equal(t, 2, r.Unrepaired, "nobody compared them")
		require.Empty(t, s.rechecks)
	})
	t.Run("also between two activities", func(t *testing.T) {
		s := newReconciling(t)
		s.late = true
		s.run(workflows.ReconcileInput{Orders: ids(60)})
		require.Equal(t, 60, s.result().Unrepaired)
		require.NotEmpty(t, s.result().Stopped)
	})
	t.Run("and the next one begins anew", func(t *testing.T) {
		s := newReconciling(t, page(nil))
		s.run(workflows.ReconcileInput{})
		require.Empty(t, s.result().Stopped)
		require.NotContains(t, s.details(), "Not all orders were compared")
	})
}

// nextInput returns the size of the new run's input in bytes.
func (s *reconciling) nextInput() (bytes int) {
	s.t.Helper()
	var next *workflow.ContinueAsNewError
	require.ErrorAs(s.t, s.GetWorkflowError(), &next)
	for _, p := range next.Input.GetPayloads() {
		bytes += len(p.GetData())
	}
	return bytes
}

// maxInput is the largest input that Temporal accepts for a workflow: 2 MiB.
const maxInput = 2 << 20

func TestWhateverThePlatformSendsANewRunCanBegin(t *testing.T) {
	// The longest IDs that the domain accepts, in characters that JSON writes with six bytes each.
	id := func(i int) string { return fmt.Sprintf("%04d", i) + strings.Repeat("<", 251) }
	long := strings.Repeat("<", 300) + "…"
	notes := make([]string, 20)
	for i := range notes {
		notes[i] = long
	}
	cursor := after(strings.Repeat("\x01", 1024))
	cursor.Passed = strings.Repeat("\x02", 1024)
	suspects := func(from, n int) (list []string) {
		for i := range n {
			list = append(list, id(from+i))
		}
		return list
	}
	carried := func() *workflows.ReconcileProgress { // with one more, they would be compared before the run continues
		return &workflows.ReconcileProgress{Totals: reconcile.Totals{Notes: notes}, Since: window, Stopped: long, Recheck: suspects(0, 499)}
	}
	t.Run("amid the pages", func(t *testing.T) {
		brings := stopped(long, cursor, suspects(1000, 100)...)
		brings.Notes = notes
		s := newReconciling(t, brings)
		s.SetContinueAsNewSuggested(true)
		in := workflows.ReconcileInput{Grace: time.Minute, Progress: carried()}
		in.Progress.Cursor = cursor
		s.run(in)
		require.Less(t, s.nextInput(), maxInput)
	})
	t.Run("after all orders that are open here alone", func(t *testing.T) {
		s := newReconciling(t)
		s.closed = suspects(1000, 500) // as many as ListClosed returns at most
		s.SetContinueAsNewSuggested(true)
		s.run(workflows.ReconcileInput{Grace: time.Minute, Progress: carried()})
		require.Greater(t, s.nextInput(), 999*1500)
		require.Less(t, s.nextInput(), maxInput)
	})
	t.Run("with as many orders as a person may name", func(t *testing.T) {
		s := newReconciling(t)
		s.SetContinueAsNewSuggested(true)
		s.run(workflows.ReconcileInput{Orders: suspects(0, 1000)})
		require.Less(t, s.nextInput(), maxInput)
	})
}
