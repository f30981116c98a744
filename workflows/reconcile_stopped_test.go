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
	"inorder/workflows"
)

// stopped is a page whose listing does not go on.
func stopped(why string, next *activities.Place, suspects ...string) activities.ReconcilePageResult {
	p := page(next, suspects...)
	p.Stopped = why
	return p
}

func TestAReconciliationThatCannotGoOnEndsAndSaysSo(t *testing.T) {
	third := &activities.Place{Listing: 1}
	t.Run("a listing: the others are gone through, and what differs is looked at", func(t *testing.T) {
		s := newSweep(t, stopped("the first: 400", third, "order_1"), stopped("the second: 404", nil, "order_2"))
		s.closed = []string{"order_3"}
		s.run(workflows.ReconcileInput{})
		r := s.result()
		require.Equal(t, "the first: 400", r.Stopped)
		require.Equal(t, 203, r.Compared)
		require.Equal(t, [][]string{{"order_1", "order_2", "order_3"}}, s.looks)
		require.Equal(t, []activities.FinishReconcileInput{{Tally: r.Tally, Stopped: r.Stopped}}, s.finished)
		require.Equal(t, r.Stopped, s.progress().Stopped)
		require.Contains(t, s.details(), "**Not all orders were seen**: the first: 400. The next reconciliation begins anew.")
	})
	t.Run("the orders that are open here alone", func(t *testing.T) {
		s := newSweep(t, page(nil, "order_1"))
		s.stopped = temporal.NewNonRetryableApplicationError("422", activities.StoppedErrorType, nil)
		s.run(workflows.ReconcileInput{})
		require.Equal(t, "422", s.result().Stopped)
		require.Equal(t, [][]string{{"order_1"}}, s.looks)
		require.Equal(t, "422", s.finished[0].Stopped)
	})
	t.Run("no worker with a key is there any more", func(t *testing.T) {
		s := newSweep(t, page(third, "order_1", "order_2"), temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil))
		s.run(workflows.ReconcileInput{})
		r := s.result()
		require.Contains(t, r.Stopped, "no worker that has HEADLESS_COMMERCE_API_KEY")
		require.Equal(t, 2, r.Unrepaired, "nobody looked at them")
		require.Empty(t, s.looks)
	})
	t.Run("also between two looks", func(t *testing.T) {
		s := newSweep(t)
		s.late = true
		s.run(workflows.ReconcileInput{Orders: ids(60)})
		require.Equal(t, 60, s.result().Unrepaired)
		require.NotEmpty(t, s.result().Stopped)
	})
	t.Run("and the next one begins anew", func(t *testing.T) {
		s := newSweep(t, page(nil))
		s.run(workflows.ReconcileInput{})
		require.Empty(t, s.result().Stopped)
		require.NotContains(t, s.details(), "Not all orders were seen")
	})
}

// maxInput is what Temporal takes as a workflow's input: 2 MiB.
const maxInput = 2 << 20

func TestWhateverThePlatformSendsANewRunCanBegin(t *testing.T) {
	// The longest IDs that the domain takes, in characters that JSON writes with six bytes each.
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
	carried := func() *workflows.ReconcileProgress { // one more suspect, and they would be looked at before it goes on
		return &workflows.ReconcileProgress{Tally: activities.Tally{Notes: notes}, Since: window, Stopped: long, Suspects: suspects(0, 499)}
	}
	size := func(s *sweep) (bytes int) {
		var next *workflow.ContinueAsNewError
		require.ErrorAs(t, s.GetWorkflowError(), &next)
		for _, p := range next.Input.GetPayloads() {
			bytes += len(p.GetData())
		}
		return bytes
	}
	t.Run("amid the pages", func(t *testing.T) {
		brings := stopped(long, cursor, suspects(1000, 100)...)
		brings.Notes = notes
		s := newSweep(t, brings)
		s.SetContinueAsNewSuggested(true)
		in := workflows.ReconcileInput{Grace: time.Minute, Progress: carried()}
		in.Progress.At = cursor
		s.run(in)
		require.Less(t, size(s), maxInput)
	})
	t.Run("after all orders that are open here alone", func(t *testing.T) {
		s := newSweep(t)
		s.closed = suspects(1000, 500) // as many as ListClosed answers
		s.SetContinueAsNewSuggested(true)
		s.run(workflows.ReconcileInput{Grace: time.Minute, Progress: carried()})
		require.Greater(t, size(s), 999*1500)
		require.Less(t, size(s), maxInput)
	})
	t.Run("with as many orders as a person may name", func(t *testing.T) {
		s := newSweep(t)
		s.SetContinueAsNewSuggested(true)
		s.run(workflows.ReconcileInput{Orders: suspects(0, 1000)})
		require.Less(t, size(s), maxInput)
	})
}
