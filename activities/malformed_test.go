package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"inorder"
	"inorder/activities"
)

// replaceOrders puts other JSON in the place of the platform's orders, by their IDs, wherever the platform shows them.
func (s *shop) replaceOrders(by map[string]string) {
	s.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		rec := httptest.NewRecorder()
		s.platform.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		var one struct{ ID string }
		var page map[string]json.RawMessage
		var list []json.RawMessage
		if json.Unmarshal(body, &page) == nil && json.Unmarshal(page["data"], &list) == nil {
			for i, raw := range list {
				if require.NoError(s.t, json.Unmarshal(raw, &one)); by[one.ID] != "" {
					list[i] = json.RawMessage(by[one.ID])
				}
			}
			page["data"], _ = json.Marshal(list)
			body, _ = json.Marshal(page)
		} else if json.Unmarshal(body, &one) == nil && by[one.ID] != "" {
			body = []byte(by[one.ID])
		}
		w.WriteHeader(rec.Code)
		_, err := w.Write(body)
		return err == nil
	}
}

// malformed is an order that cannot be read. Where it names its order, and that alone, it can be looked at again.
type malformed struct{ name, sent, says string }

func (c malformed) hasID() bool {
	return strings.HasPrefix(c.sent, `{"id":"%s"`) && !strings.Contains(c.sent, "order_id")
}

func TestAMalformedOrderIsItsOwnProblem(t *testing.T) {
	cases := []malformed{
		{"a status that is a number", `{"id":"%s","status":7}`, "data.status must be a string"},
		{"a payment_status that is a list", `{"id":"%s","payment_status":["paid"]}`, "data.payment_status must be a string"},
		{"a fulfillment_status that is an object", `{"id":"%s","fulfillment_status":{}}`, "data.fulfillment_status must be a string"},
		{"a number that is an object", `{"id":"%s","status":"pending","number":{}}`, "data.number must be an integer or a string"},
		{"a total that is a number", `{"id":"%s","status":"pending","total":5}`, "data.total must be"},
		{"a total beyond all numbers", `{"id":"%s","status":"pending","total":{"amount":1e40}}`, "data.total.amount must be an integer"},
		{"another order's ID beside its own", `{"id":"%s","order_id":"order_9","status":"pending"}`, "names another order"},
		{"no ID", `{"status":"pending"}`, "there is no order ID"},
		{"an empty ID", `{"id":"","status":"pending"}`, "there is no order ID"},
		{"an ID that is a number", `{"id":5,"status":"pending"}`, "there is no order ID"},
		{"an ID without an end", `{"id":"` + strings.Repeat("x", 5000) + `","status":"pending"}`, "there is no order ID"},
		{"an ID that no database takes", `{"id":"order\u0000","status":"pending"}`, "names another order"},
		{"null", `null`, "data must be a JSON object"},
		{"a number", `17`, "data must be a JSON object"},
		{"a text", `"order"`, "data must be a JSON object"},
		{"a list", `[]`, "data must be a JSON object"},
	}
	s := newShop(t)
	orders := s.place(len(cases)+30, "pay")
	by, withID := map[string]string{}, []string{}
	for i, c := range cases {
		by[orders[i].ID] = strings.ReplaceAll(c.sent, "%s", orders[i].ID)
		if c.hasID() {
			withID = append(withID, orders[i].ID)
		}
	}
	s.replaceOrders(by)

	r := s.sweep(true)
	require.Empty(t, r.Stopped)
	require.Equal(t, len(cases)+30, r.Compared)
	require.Equal(t, 30, r.Missing, "the others are repaired")
	require.Equal(t, "30", s.text(`SELECT count(*) FROM orders WHERE payment_status = 'paid'`))
	require.ElementsMatch(t, withID, r.Suspects, "those that have an ID are looked at again")
	require.Equal(t, len(cases)-len(withID), r.Unrepaired)
	again := s.repairOrders(append(withID, orders[len(cases)].ID)...)
	require.Equal(t, len(withID), again.Unrepaired)
	notes := strings.Join(append(r.Notes, again.Notes...), "\n")
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.hasID() {
				require.Regexp(t, "(?m)^order "+orders[i].ID+": .*"+c.says, notes)
			} else {
				// The platform lists the newest first, but in which order does not matter here.
				require.Regexp(t, `(?m)^order \d+ on page 1 of the orders created since [^ ]+: .*`+c.says, notes)
			}
			fetched, err := s.fetch(orders[i].ID)
			require.NoError(t, err)
			require.False(t, fetched.Found)
			require.NotEmpty(t, fetched.Detail)
			require.LessOrEqual(t, len([]rune(fetched.Detail)), 301)
		})
	}
	_, err := do[[]string](s, s.ListClosed, time.Now())
	require.NoError(t, err)
}

// refuse answers some requests in a way that no retry cures.
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
			r := s.sweep(false)
			require.Contains(t, r.Stopped, "the orders created since ")
			require.Contains(t, r.Stopped, tc.says)
			require.LessOrEqual(t, len([]rune(r.Stopped)), 301)
			require.Len(t, r.Suspects, 100, "the page that came")

			s.ReconcileWindow = -time.Hour // all of them are in the listing of those that are confirmed
			s.refuse(tc.status, tc.body, func(r *http.Request) bool { return !r.URL.Query().Has("status") })
			r = s.sweep(false)
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
			r := s.sweep(false)
			require.Contains(t, r.Stopped, "incomplete")
			require.Contains(t, r.Suspects, "order_1", "what the page holds is compared")
			require.Less(t, asked, 5*12, "five listings")
		})
	}
}

func TestClosedOrdersThatNobodyCanKnowEndTheSearch(t *testing.T) {
	s := newShop(t)
	s.place(2, "pay")
	s.sweep(true)
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
			tally := s.repairOrders(orders[0].ID, bad, orders[2].ID)
			require.Equal(t, 2, tally.Missing)
			require.Equal(t, 1, tally.Unrepaired)
			require.Contains(t, tally.Notes[0], "order "+bad)
			require.LessOrEqual(t, len([]rune(tally.Notes[0])), 301)
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
	r := s.sweep(true)
	require.Equal(t, 1, r.Missing)
	require.Equal(t, 1, r.Unrepaired)
	require.Contains(t, r.Notes[0], "Temporal refuses its event")
	fetched, err := s.fetch(orders[0].ID)
	require.NoError(t, err)
	require.Contains(t, fetched.Detail, "the input exceeds the limit")

	s.events.start = func(context.Context, inorder.Event) error { return errors.New("away") }
	_, err = s.fetch(orders[0].ID)
	require.ErrorContains(t, err, "away")
}

func TestAReconciliationThatStoppedIsNoSuccess(t *testing.T) {
	s := newShop(t)
	last := func() float64 {
		families, err := prometheus.DefaultGatherer.Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == "inorder_reconcile_last_success_timestamp_seconds" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return 0
	}
	finish := func(in any) {
		env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
		env.RegisterActivity(s.Activities)
		_, err := env.ExecuteActivity(s.FinishReconcile, in)
		require.NoError(t, err)
	}
	before := last()
	finish(activities.FinishReconcileInput{Stopped: "400"})
	require.Equal(t, before, last())
	var in activities.FinishReconcileInput // of older workflow code, which gave the tally alone
	require.NoError(t, json.Unmarshal([]byte(`{"compared":7}`), &in))
	require.Equal(t, 7, in.Compared)
	finish(in)
	require.Greater(t, last(), before)
}
