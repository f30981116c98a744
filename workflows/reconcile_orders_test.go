package workflows_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/internal/platform"
	"inorder/internal/reconcile"
	"inorder/workflows"
)

// reconciling is one ReconcileOrders with a skipping clock, over pages that the test sets.
type reconciling struct {
	*play
	pages       []any // of ReconcilePage, in order: results or errors
	closed      []string
	notSet      string
	asked       []activities.ReconcilePageInput
	rechecks    [][]string // the orders of each RepairOrders
	recheckedAt []time.Duration
	finished    []activities.FinishReconcileInput
	stopped     error // of ListClosed
	late        bool  // no worker takes RepairOrders
}

var window = start.Add(-72 * time.Hour)

func newReconciling(t *testing.T, pages ...any) *reconciling {
	s := &reconciling{play: newPlay(t), pages: pages}
	var a *activities.Activities
	s.OnActivity(a.PlanReconcile, mock.Anything, mock.Anything).Return(func(context.Context, time.Time) (activities.ReconcilePlan, error) {
		return activities.ReconcilePlan{NotSet: s.notSet, Since: window}, nil
	}).Maybe()
	s.OnActivity(a.ReconcilePage, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.ReconcilePageInput) (activities.ReconcilePageResult, error) {
		s.asked = append(s.asked, in)
		next := s.pages[0]
		s.pages = s.pages[1:]
		if err, failed := next.(error); failed {
			return activities.ReconcilePageResult{}, err
		}
		return next.(activities.ReconcilePageResult), nil
	}).Maybe()
	s.OnActivity(a.ListClosed, mock.Anything, mock.Anything).Return(func(_ context.Context, since time.Time) ([]string, error) {
		return s.closed, s.stopped
	}).Maybe()
	s.OnActivity(a.RepairOrders, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.RepairOrdersInput) (reconcile.Totals, error) {
		if s.late {
			return reconcile.Totals{}, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
		}
		s.rechecks, s.recheckedAt = append(s.rechecks, in.Orders), append(s.recheckedAt, s.Now().Sub(start))
		return reconcile.Totals{Compared: len(in.Orders), Different: len(in.Orders)}, nil
	}).Maybe()
	s.OnActivity(a.FinishReconcile, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.FinishReconcileInput) error {
		s.finished = append(s.finished, in)
		return nil
	}).Maybe()
	return s
}

func (s *reconciling) run(in workflows.ReconcileInput) {
	s.ExecuteWorkflow(workflows.ReconcileOrdersType, in)
	require.True(s.t, s.IsWorkflowCompleted())
}

func (s *reconciling) result() (r workflows.ReconcileResult) {
	s.t.Helper()
	require.NoError(s.t, s.GetWorkflowError())
	require.NoError(s.t, s.GetWorkflowResult(&r))
	return r
}

func (s *reconciling) progress() (p workflows.ReconcileProgress) {
	s.t.Helper()
	v, err := s.QueryWorkflow(workflows.QueryProgress)
	require.NoError(s.t, err)
	require.NoError(s.t, v.Get(&p))
	return p
}

// page returns the result of a page of 100 orders, with those that drifted.
func page(next *reconcile.Cursor, suspects ...string) activities.ReconcilePageResult {
	return activities.ReconcilePageResult{Totals: reconcile.Totals{Compared: 100}, Suspects: suspects, Next: next}
}

func after(cursor string) *reconcile.Cursor {
	return &reconcile.Cursor{Trail: platform.Trail{Cursor: cursor, Pages: 1, Passed: cursor}}
}

func ids(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("order_%d", i))
	}
	return list
}

func TestReconcileOrdersComparesPagesAndAfterAGraceWhatDrifted(t *testing.T) {
	second, third := after("order_9"), &reconcile.Cursor{Listing: 1}
	s := newReconciling(t, page(second, "order_1"), page(third, "order_2", "order_1"), page(nil))
	s.closed = []string{"order_3"}
	s.after(time.Minute, func() {
		require.Contains(t, s.details(), "300 compared; repaired: 0 missing, 0 different")
		require.Contains(t, s.details(), "3 that drifted are compared again from 2025-01-15T12:02:00Z on.")
		require.Equal(t, ids(4)[1:], s.progress().Recheck)
	})
	s.run(workflows.ReconcileInput{Grace: 2 * time.Minute})
	require.Equal(t, []activities.ReconcilePageInput{{Since: window}, {Since: window, At: *second}, {Since: window, At: *third}}, s.asked)
	require.Equal(t, [][]string{{"order_1", "order_2", "order_3"}}, s.rechecks)
	require.Equal(t, []time.Duration{2 * time.Minute}, s.recheckedAt)
	want := reconcile.Totals{Compared: 303, Different: 3}
	require.Equal(t, workflows.ReconcileResult{Totals: want, Since: window, FinishedAt: start.Add(2 * time.Minute)}, s.result())
	require.Equal(t, []activities.FinishReconcileInput{{Totals: want}}, s.finished)
	require.Equal(t, workflows.ReconcileProgress{Totals: want, Since: window, OpenFound: true}, s.progress())
}

func TestReconcileOrders(t *testing.T) {
	t.Run("by hand it repairs at once, and compares once more what it could not repair", func(t *testing.T) {
		since := start.AddDate(-1, 0, 0)
		s := newReconciling(t, page(nil, "order_1"))
		s.run(workflows.ReconcileInput{Since: since})
		require.Equal(t, []activities.ReconcilePageInput{{Since: since, Repair: true}}, s.asked)
		require.Equal(t, []time.Duration{2 * time.Second}, s.recheckedAt, "the platform's times have seconds")
		require.Equal(t, since, s.result().Since)
	})
	t.Run("orders that are named are compared, and no others", func(t *testing.T) {
		s := newReconciling(t)
		s.closed = []string{"order_99"}
		s.run(workflows.ReconcileInput{Orders: ids(60)})
		require.Equal(t, [][]string{ids(60)[:50], ids(60)[50:]}, s.rechecks)
		require.Equal(t, []time.Duration{0, 0}, s.recheckedAt)
		require.Empty(t, s.finished, "it was no reconciliation of all")
		require.Equal(t, 60, s.result().Compared)
	})
	t.Run("much that drifted is compared once more in between, each time after the grace", func(t *testing.T) {
		many := ids(1001)
		s := newReconciling(t, page(after("order_9"), many[:500]...), page(after("order_9"), many[500:1000]...), page(nil, many[1000]))
		s.run(workflows.ReconcileInput{Grace: time.Minute})
		require.Len(t, s.rechecks, 21)
		require.Equal(t, []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute}, []time.Duration{s.recheckedAt[0], s.recheckedAt[10], s.recheckedAt[20]})
	})
	t.Run("without a key it says what is not set, and ends", func(t *testing.T) {
		s := newReconciling(t)
		s.notSet = "HEADLESS_COMMERCE_API_KEY is not set"
		s.run(workflows.ReconcileInput{})
		require.Equal(t, workflows.ReconcileResult{NotSet: s.notSet, FinishedAt: start}, s.result())
		require.Empty(t, s.finished)
		require.Equal(t, s.notSet, s.details())
	})
	t.Run("a page is asked for until it comes: slowly, when the key is refused", func(t *testing.T) {
		s := newReconciling(t, errLate, errKey, page(nil))
		s.run(workflows.ReconcileInput{})
		require.Equal(t, 100, s.result().Compared)
		require.Len(t, s.asked, 3)
		require.Equal(t, 10*time.Minute+5*time.Second, s.Now().Sub(start))
	})
}

func TestReconcileOrdersGoesOnInANewRun(t *testing.T) {
	second := after("order_9")
	s := newReconciling(t, page(second, "order_1"))
	s.SetContinueAsNewSuggested(true)
	s.run(workflows.ReconcileInput{Grace: time.Minute})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, s.GetWorkflowError(), &next)
	var in workflows.ReconcileInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Equal(t, time.Minute, in.Grace)
	require.Equal(t, &workflows.ReconcileProgress{Totals: reconcile.Totals{Compared: 100}, Since: window, Cursor: second, Recheck: []string{"order_1"}}, in.Progress)

	s = newReconciling(t, page(nil))
	s.run(in)
	require.Equal(t, []activities.ReconcilePageInput{{Since: window, At: *second}}, s.asked)
	require.Equal(t, reconcile.Totals{Compared: 201, Different: 1}, s.result().Totals, "what was counted before is kept")
}
