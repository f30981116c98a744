package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"inorder"
	"inorder/activities"
)

// refuse answers the requests selected by which in a way that no retry cures.
func (s *shop) refuse(status int, body string, which func(*http.Request) bool) {
	s.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if !which(r) {
			return false
		}
		w.WriteHeader(status)
		_, err := w.Write([]byte(body))
		return err == nil
	}
}

var refusals = map[string]struct {
	status     int
	body, says string
}{
	"400":              {400, `{"error":{"type":"invalid_request","code":"VALIDATION_ERROR","message":"Unknown cursor"}}`, "Unknown cursor"},
	"404":              {404, ``, "404 Not Found"},
	"422":              {422, ``, "422 Unprocessable Entity"},
	"302":              {302, ``, "redirects are not followed"},
	"a page of a site": {200, `<html>`, "not what the Admin API documents"},
	"no list":          {200, `{"data":{"a":1}}`, "data is not a list"},
	"an endless text":  {400, `{"error":{"message":"` + strings.Repeat("x", 60_000) + `"}}`, "xxx…"},
}

func TestAListingThatIsRefusedIsLeftAndTheOthersAreCompared(t *testing.T) {
	s := newShop(t)
	s.place(150, "pay")
	for name, tc := range refusals {
		t.Run(name, func(t *testing.T) {
			s.ReconcileWindow = 72 * time.Hour
			s.refuse(tc.status, tc.body, func(r *http.Request) bool { return r.URL.Query().Has("starting_after") })
			r := s.reconcile(false)
			require.Contains(t, r.Stopped, "the orders created since ")
			require.Contains(t, r.Stopped, tc.says)
			require.LessOrEqual(t, len([]rune(r.Stopped)), 301)
			require.Len(t, r.Suspects, 100, "the page that came")

			s.ReconcileWindow = -time.Hour // all of them are in the listing of those that are confirmed
			s.refuse(tc.status, tc.body, func(r *http.Request) bool { return !r.URL.Query().Has("status") })
			r = s.reconcile(false)
			require.NotEmpty(t, r.Stopped)
			require.Len(t, r.Suspects, 150, "of another listing")
		})
	}
}

func TestAListingThatDoesNotGoOnIsLeft(t *testing.T) {
	s := newShop(t)
	for name, rest := range map[string]string{
		"no cursor":                       `"has_more":true,"next_cursor":null`,
		"a cursor that is a number":       `"has_more":true,"next_cursor":5`,
		"an endless cursor":               `"has_more":true,"next_cursor":"` + strings.Repeat("x", 100_000) + `"`,
		"always the same cursor":          `"has_more":true,"next_cursor":"same"`,
		"a circle":                        `"has_more":true,"next_cursor":"%d"`,
		"has_more of another kind":        `"has_more":"maybe"`,
		"has_more of another kind, again": `"has_more":[]`,
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s.spoil = func(w http.ResponseWriter, r *http.Request) bool {
				asked++
				_, err := w.Write([]byte(`{"data":[{"id":"order_1","status":"confirmed"}],` + strings.ReplaceAll(rest, "%d", strconv.Itoa(asked%3)) + `}`))
				return err == nil
			}
			r := s.reconcile(false)
			require.Contains(t, r.Stopped, "incomplete")
			require.Contains(t, r.Suspects, "order_1", "what the page holds is compared")
			require.Less(t, asked, 5*12, "five listings")
		})
	}
}

func TestClosedOrdersThatNobodyCanKnowEndTheSearch(t *testing.T) {
	s := newShop(t)
	s.place(2, "pay")
	s.reconcile(true)
	all := time.Now().Add(time.Hour)
	for name, tc := range refusals {
		t.Run(name, func(t *testing.T) {
			s.refuse(tc.status, tc.body, func(r *http.Request) bool { return r.URL.Query().Get("status") == "processing" })
			_, err := do[[]string](s, s.ListClosed, all)
			require.NoError(t, err, "what is open here was met before")

			s.refuse(tc.status, tc.body, func(r *http.Request) bool { return r.URL.Query().Get("status") == "pending" })
			_, err = do[[]string](s, s.ListClosed, all)
			var stopped *temporal.ApplicationError
			require.ErrorAs(t, err, &stopped)
			require.True(t, stopped.NonRetryable())
			require.Equal(t, activities.StoppedErrorType, stopped.Type())
			require.Contains(t, stopped.Message(), "the orders that are pending")
			require.LessOrEqual(t, len([]rune(stopped.Message())), 301)
		})
	}
}

func TestAnOrderThatIsRefusedIsItsOwnProblem(t *testing.T) {
	s := newShop(t)
	for name, tc := range refusals {
		t.Run(name, func(t *testing.T) {
			s.spoil = nil
			orders := s.place(3)
			bad := orders[1].ID
			s.refuse(tc.status, tc.body, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, bad) })
			totals := s.repairOrders(orders[0].ID, bad, orders[2].ID)
			require.Equal(t, 2, totals.Missing)
			require.Equal(t, 1, totals.Unrepaired)
			require.Contains(t, totals.Notes[0], "order "+bad)
			require.LessOrEqual(t, len([]rune(totals.Notes[0])), 301)
			r, err := s.fetch(bad)
			require.NoError(t, err)
			require.NotEmpty(t, r.Detail)
		})
	}
	require.Contains(t, s.repairOrders("").Notes[0], "the ID is empty")
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	s := newShop(t)
	for status, pause := range map[int]time.Duration{401: 10 * time.Minute, 403: 10 * time.Minute, 429: 0, 500: 0, 503: 0} {
		s.refuse(status, "", func(*http.Request) bool { return true })
		for _, run := range []func() error{
			func() error { _, err := do[any](s, s.ReconcilePage, activities.ReconcilePageInput{}); return err },
			func() error {
				_, err := do[any](s, s.RepairOrders, activities.RepairOrdersInput{Orders: []string{"order_1"}})
				return err
			},
		} {
			var failed *temporal.ApplicationError
			require.ErrorAs(t, run(), &failed)
			require.False(t, failed.NonRetryable())
			require.Equal(t, pause, failed.NextRetryDelay())
		}
	}
}

func TestAnEventThatTemporalRefusesIsItsOrdersProblem(t *testing.T) {
	s := newShop(t)
	orders := s.place(2)
	begin := s.events.start
	s.events.start = func(ctx context.Context, e inorder.Event) error {
		if e.OrderID() == orders[0].ID {
			return serviceerror.NewInvalidArgument("the input exceeds the limit")
		}
		return begin(ctx, e)
	}
	r := s.reconcile(true)
	require.Equal(t, 1, r.Missing)
	require.Equal(t, 1, r.Unrepaired)
	require.Contains(t, r.Notes[0], "Temporal refuses its repair")
	fetched, err := s.fetch(orders[0].ID)
	require.NoError(t, err)
	require.Contains(t, fetched.Detail, "the input exceeds the limit")

	s.events.start = func(context.Context, inorder.Event) error { return errors.New("away") }
	_, err = s.fetch(orders[0].ID)
	require.ErrorContains(t, err, "away")
}

func TestAReconciliationThatStoppedIsNoSuccess(t *testing.T) {
	s := newShop(t)
	last := func() float64 { return s.metric("inorder_reconcile_last_success_timestamp_seconds")[""] }
	finish := func(in any) {
		env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
		env.RegisterActivity(s.Activities)
		_, err := env.ExecuteActivity(s.FinishReconcile, in)
		require.NoError(t, err)
	}
	before := last()
	finish(activities.FinishReconcileInput{Stopped: "400"})
	require.Equal(t, before, last())
	var in activities.FinishReconcileInput // from older workflow code, which passed only the totals
	require.NoError(t, json.Unmarshal([]byte(`{"compared":7}`), &in))
	require.Equal(t, 7, in.Compared)
	finish(in)
	require.Greater(t, last(), before)
}
