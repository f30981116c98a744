package sample

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func parse(t *testing.T, body []byte) inorder.Event {
	t.Helper()
	e, err := inorder.ParseEvent(body)
	require.NoError(t, err)
	return e
}

func TestEveryDocumentedTypeHasData(t *testing.T) {
	require.Equal(t, inorder.EventTypes(), slices.Sorted(maps.Keys(types)))
}

func TestEveryTypeIsAnEventOfItsOrder(t *testing.T) {
	for _, eventType := range inorder.EventTypes() {
		t.Run(eventType, func(t *testing.T) {
			e := parse(t, Event(Options{ID: "evt_1", Type: eventType, OrderID: "order_1", At: noon}))
			require.Equal(t, "evt_1", e.ID)
			require.Equal(t, eventType, e.Type)
			require.Equal(t, StoreID, e.StoreID)
			require.True(t, e.OccurredAt.Equal(noon))

			c, err := e.Change()
			require.NoError(t, err)
			require.Equal(t, !e.AboutOrders(), c.Empty())
			if e.AboutOrders() {
				require.Equal(t, "order_1", c.OrderID)
			}
		})
	}
}

func TestUnknownTypesOfTheOrderFamiliesChangeTheOrder(t *testing.T) {
	for _, eventType := range []string{"order.processing", "payment.captured", "fulfillment.cancelled", "refund.created", "return.approved"} {
		c, err := parse(t, Event(Options{Type: eventType, OrderID: "order_1"})).Change()
		require.NoError(t, err, eventType)
		require.False(t, c.Empty(), eventType)
	}
}

func TestAnOrderCostsTheSameInAllItsEvents(t *testing.T) {
	total := func(eventType string) int64 {
		c, err := parse(t, Event(Options{Type: eventType, OrderID: "order_1"})).Change()
		require.NoError(t, err)
		return *c.Snapshot.TotalAmount
	}
	require.Positive(t, total("order.created"))
	require.Equal(t, total("order.created"), total("order.completed"))
	require.Equal(t, total("order.created"), total("payment.failed"))
}

func TestTwoRefundsOfAnOrderAreTwo(t *testing.T) {
	ids := map[string]bool{}
	for range 2 {
		c, err := parse(t, Event(Options{Type: "payment.refunded", OrderID: "order_1"})).Change()
		require.NoError(t, err)
		ids[c.Parts[0].ID] = true
	}
	require.Len(t, ids, 2)
}

func TestDataIsLaidOverTheSample(t *testing.T) {
	o := Options{ID: "evt_1", Type: "order.created", OrderID: "order_1", At: noon,
		Data: map[string]any{"status": "draft", "number": json.RawMessage("9007199254740993"), "email": nil}}
	var data map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(parse(t, Event(o)).Data, &data))
	require.Equal(t, `"draft"`, string(data["status"]))
	require.Equal(t, `9007199254740993`, string(data["number"]))
	require.NotContains(t, data, "email")
	require.Contains(t, data, "lines")
}

func TestTheSameOptionsGiveTheSameBytes(t *testing.T) {
	o := Options{ID: "evt_1", Type: "order.completed", OrderID: "order_1", At: noon}
	require.Equal(t, Event(o), Event(o))
	require.NotEqual(t, Event(Options{Type: "order.paid"}), Event(Options{Type: "order.paid"}), "a new ID each")
}

// orderAfter applies a story's events in the given order, as if all had arrived, and returns the order.
func orderAfter(t *testing.T, steps []Step) inorder.Order {
	var order inorder.Order
	waiting := []inorder.Change{}
	for _, s := range steps {
		e := parse(t, Event(s.Event))
		c, err := e.Change()
		require.NoError(t, err)
		d := order.Apply(c)
		if d.Outcome == inorder.Waiting {
			waiting = append(waiting, c)
			continue
		}
		order = d.Order
		if d.Created {
			for _, w := range waiting {
				order = order.Apply(w).Order
			}
		}
	}
	return order
}

func TestStories(t *testing.T) {
	for _, story := range Stories() {
		t.Run(story.Name, func(t *testing.T) {
			require.NotEmpty(t, story.Shows)
			for _, s := range story.Steps("order_1", noon) {
				require.NotEmpty(t, s.Note)
				if s.Refused == 0 {
					require.Nil(t, s.Body)
					parse(t, Event(s.Event))
				}
			}
		})
	}
	t.Run("out-of-order ends right, and says rightly what is stale", func(t *testing.T) {
		steps := Stories()[0].Steps("order_1", noon)
		o := orderAfter(t, steps)
		require.Equal(t, "completed", o.Status.Value)
		require.Equal(t, "paid", o.PaymentStatus.Value)
		require.Equal(t, "fulfilled", o.FulfillmentStatus.Value)

		for i, outcome := range []inorder.Outcome{inorder.Waiting, inorder.Applied, "", inorder.Applied, inorder.Applied, inorder.Applied, inorder.Stale, ""} {
			if outcome == "" { // a delivery that is a duplicate
				continue
			}
			change, err := parse(t, Event(steps[i].Event)).Change()
			require.NoError(t, err)
			require.Equal(t, outcome, orderAfter(t, steps[:i]).Apply(change).Outcome, steps[i].Note)
		}
	})
	t.Run("out-of-order ends with parts that fit the order", func(t *testing.T) {
		parts := map[string]string{}
		for key, part := range orderAfter(t, Stories()[0].Steps("order_1", noon)).Parts {
			parts[key.Kind] = part.Status
		}
		require.Equal(t, map[string]string{"payment": "completed", "fulfillment": "delivered"}, parts)
	})
	t.Run("refunds add up to what the story says", func(t *testing.T) {
		var sum int64
		for key, part := range orderAfter(t, Stories()[1].Steps("order_1", noon)).Parts {
			if key.Kind == "refund" {
				sum += *part.Amount
			}
		}
		require.EqualValues(t, 6500, sum)
	})
}

func TestStoriesAreFreshEachTime(t *testing.T) {
	for _, story := range Stories() {
		first, second := story.Steps("order_1", noon), story.Steps("order_1", noon)
		require.NotEqual(t, first[0].Event.ID, second[0].Event.ID)
	}
}
