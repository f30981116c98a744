package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/sample"
	"inorder/workflows"
)

// long is longer than Temporal accepts in most places.
var long = strings.Repeat("x", 900_000)

// wideBody returns the body of an event dated now, with a store ID of the greatest length.
func wideBody(eventType, orderID, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"created_at":%q,"data":{"id":%q%s},"store_id":%q}`,
		sample.NewID("evt_"), eventType, time.Now().UTC().Format(time.RFC3339), orderID, data, strings.Repeat("💥", 255))
}

func TestNoInputMakesAWorkflowTaskFail(t *testing.T) {
	s := newSystem(t)
	s.work()
	wide := strings.Repeat("💥", 240) + sample.NewID("")[:15]
	for name, tc := range map[string]struct{ body, want string }{
		"a status of 900 KB":                 {wideBody("order.updated", s.order+"_1", `,"status":"`+long+`"`), "attention"},
		"a status of 900 KB of quotes":       {wideBody("order.updated", s.order+"_1", `,"status":"`+strings.Repeat(`\"`, 400_000)+`"`), "attention"},
		"a part's status of 900 KB":          {wideBody("fulfillment.created", "ful_1", `,"order_id":"`+s.order+`_1","status":"`+long+`"`), "attention"},
		"an order ID of 900 KB":              {wideBody("order.created", long, ""), "attention"},
		"an order ID of 255 wide characters": {wideBody("order.paid", wide, ""), "waiting"},
		"a type of 100 KB":                   {wideBody("order."+long[:100_000], s.order+"_2", `,"status":"x"`), "waiting"},
		"a type of 100 KB, of no order":      {wideBody(strings.Repeat("💥", 25_000), "x", ""), "ignored"},
		"900 KB of a note":                   {wideBody("order.created", s.order+"_3", confirmed+`,"note":"`+long+`"`), "applied"},
		"100 KB of nesting":                  {wideBody("order.created", s.order+"_4", confirmed+`,"note":`+strings.Repeat("[", 5_000)+strings.Repeat("]", 5_000)), "applied"},
		"of the year 1":                      {`{"id":"` + sample.NewID("evt_") + `","type":"order.paid","created_at":"0001-01-01T00:00:01Z","data":{"id":"` + s.order + `_5"}}`, "waiting"},
		"of the year 10000":                  {`{"id":"` + sample.NewID("evt_") + `","type":"order.paid","created_at":"9999-12-31T23:59:59-23:59","data":{"id":"` + s.order + `_5"}}`, "attention"},
	} {
		t.Run(name, func(t *testing.T) {
			e := s.parse(tc.body)
			s.begin(e)
			state := s.settle(e.ID)
			require.Equal(t, tc.want, string(state.Outcome)+string(state.Phase), state.Detail)
			s.requireNoTaskFailed(e.ID)
		})
	}
}

func TestNoSignalMakesAWorkflowTaskFail(t *testing.T) {
	s := newSystem(t)
	s.work()
	t.Run("a reason and an actor of a megabyte", func(t *testing.T) {
		e := s.parse(wideBody("order.paid", s.order+"_6", ""))
		run := s.begin(e)
		s.settle(e.ID)
		s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: strings.Repeat("💥", 125_000), Actor: strings.Repeat("\x00", 80_000)})
		require.Equal(t, inorder.Discarded, s.result(run).Outcome)
		s.requireNoTaskFailed(e.ID)
	})
	t.Run("a cancellation", func(t *testing.T) {
		e := s.parse(wideBody("order.paid", s.order+"_6", ""))
		run := s.begin(e)
		s.settle(e.ID)
		require.NoError(t, s.client.CancelWorkflow(t.Context(), e.ID, ""))
		require.Equal(t, inorder.Discarded, s.result(run).Outcome)
		s.requireNoTaskFailed(e.ID)
	})
	t.Run("signals that carry what nobody expects", func(t *testing.T) {
		e := s.parse(wideBody("order.paid", s.order+"_6", ""))
		run := s.begin(e)
		s.settle(e.ID)
		for _, arg := range []any{long, 7, []string{"x"}, map[string]any{"reason": 7}} {
			s.signal(e, workflows.SignalRetry, arg)
			s.signal(e, workflows.SignalOrderCreated, arg)
		}
		s.signal(e, workflows.SignalDiscard, map[string]any{"reason": map[string]any{"x": 1}})
		require.Equal(t, inorder.Discarded, s.result(run).Outcome)
		s.requireNoTaskFailed(e.ID)
	})
}

// A person may start a workflow by hand, with any time in its receipt.
func TestNoReceiptMakesAWorkflowTaskFail(t *testing.T) {
	s := newSystem(t)
	s.work()
	for received, want := range map[string]string{
		"0001-01-01T00:00:00Z":      "expired",
		"0000-01-01T00:00:00+23:59": "expired",
		"1969-12-31T23:59:59Z":      "expired",
		"2400-06-01T00:00:00Z":      "waiting",
		"9999-12-31T23:59:59Z":      "waiting",
		"9999-12-31T23:59:59-23:59": "waiting",
	} {
		t.Run(received, func(t *testing.T) {
			order := s.order + received
			at := time.Now()
			if want == "waiting" { // dated as late as its receipt allows
				at = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
				if received[:4] == "2400" {
					at = time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)
				}
			}
			s.order = order
			e := s.eventAt("order.paid", at, "")
			s.startByHand(e, received)
			state := s.settle(e.ID)
			if want == "expired" {
				require.Equal(t, inorder.Attention, inorder.Outcome(state.Phase), "it is dated long after its receipt")
				s.signal(e, workflows.SignalRetry, nil) // from now on, the date is judged by this time
				s.eventually("it ends", func() bool { return s.state(e.ID).Outcome == inorder.Expired })
				s.requireNoTaskFailed(e.ID)
				return
			}
			require.Equal(t, workflows.PhaseWaiting, state.Phase, state.Detail)
			require.NoError(t, s.client.TerminateWorkflow(t.Context(), e.ID, "", "a mistake"))
			s.result(s.begin(s.event("order.created", confirmed)))
			s.eventually("it is started anew from its row, and applied", func() bool {
				return s.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, e.ID) == "applied"
			})
			s.result(s.client.GetWorkflow(t.Context(), e.ID, ""))
			s.requireNoTaskFailed(e.ID)
		})
	}
}

func TestAnEventWithoutAReceiptGoesByTheIDOfItsWorkflow(t *testing.T) {
	s := newSystem(t)
	s.work()
	e := s.event("order.paid", "")
	options, body, _ := workflows.StartRequest(s.queue, e)
	_, err := s.client.ExecuteWorkflow(t.Context(), options, workflows.ProcessEventType, body)
	require.NoError(t, err)
	require.Equal(t, workflows.PhaseAttention, s.settle(e.ID).Phase, "it is dated long after its receipt")
	require.Equal(t, e.ID, s.text(`SELECT event_id FROM pending_events`))
	s.requireNoTaskFailed(e.ID)
}
