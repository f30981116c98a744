package inorder_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
)

// story is a history of events, each named by a letter and maybe a digit.
type story map[string]inorder.Change

// inOrder applies the history in that order. An event that comes before its order waits, and is applied once the order is created.
func (h story) inOrder(letters []string) (o inorder.Order, last inorder.Decision) {
	var waiting []inorder.Change
	for _, letter := range letters {
		last = o.Apply(h[letter])
		o = last.Order
		if last.Outcome == inorder.Waiting {
			waiting = append(waiting, h[letter])
		}
		for last.Created && len(waiting) > 0 {
			o = o.Apply(waiting[0]).Order
			waiting = waiting[1:]
		}
	}
	return o, last
}

func permutations(of []string) (all [][]string) {
	if len(of) == 0 {
		return [][]string{nil}
	}
	for i := range of {
		rest := append(append([]string{}, of[:i]...), of[i+1:]...)
		for _, p := range permutations(rest) {
			all = append(all, append([]string{of[i]}, p...))
		}
	}
	return all
}

// counted returns in words what counts of an order's parts.
func counted(o inorder.Order) string {
	var refunded int64
	status := map[string]string{}
	for _, p := range o.Parts {
		switch {
		case !o.Counts(p):
		case p.Kind == "refund":
			refunded += *p.Amount
		default:
			status[p.Kind] += p.Status
		}
	}
	return strings.TrimSpace(fmt.Sprint(refunded, " ", status["payment"], status["fulfillment"], status["return"]))
}

// aHistory returns a small history. A key begins with the letter of its type; its text is the time after 10:00, and maybe data.
func aHistory(t *testing.T, events map[string]string) story {
	types := map[string]string{"c": "order.created", "u": "order.updated", "r": "order.reconciled", "e": "payment.refunded", "f": "fulfillment.shipped",
		"p": "payment.created", "x": "return.requested"}
	h := story{}
	for letter, event := range events {
		minute, data, _ := strings.Cut(event, " ")
		switch letter[:1] {
		case "c", "u", "r":
			data = `{"id":"order_1","status":"pending","lines":[]` + strings.TrimSuffix(","+data, ",") + `}`
		default:
			data = `{"order_id":"order_1"` + strings.TrimSuffix(","+data, ",") + `}`
		}
		when, err := time.ParseDuration(minute)
		require.NoError(t, err)
		h[letter] = change(t, "evt_"+letter, types[letter[:1]], at(0).Add(when), data)
	}
	return h
}

// requireEnd applies the history in every order, twice each, and requires the same end each time, in which counts is what counts.
func (h story) requireEnd(t *testing.T, counts string) {
	t.Helper()
	var letters []string
	newest := time.Time{}
	for letter, c := range h {
		letters = append(letters, letter)
		if c.At.After(newest) {
			newest = c.At
		}
	}
	all := permutations(letters)
	want, _ := h.inOrder(all[0])
	require.Equal(t, counts, counted(want))
	require.Equal(t, newest, want.LastWebhookAt)
	for _, order := range all {
		got, _ := h.inOrder(append(order, order...))
		require.Equal(t, want, got, order)
	}
}

const refund300 = `"amount":{"amount":300,"currency":"KRW"}`

func TestAFullOrderTellsItsPartsInAnyOrderOfArrival(t *testing.T) {
	const listed300 = `"refunds":[{"id":"re_1","status":"completed",` + refund300 + `}]`
	created, refunded := "0m", "1m "+refund300
	for name, tc := range map[string]struct {
		events map[string]string
		want   string
	}{
		"no list: a refund without an ID counts":             {map[string]string{"c": created, "e": refunded, "u": "2m"}, "300"},
		"a null list is none":                                {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":null`}, "300"},
		"an empty list":                                      {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":[]`}, "0"},
		"a list that is older":                               {map[string]string{"c": created, "e": refunded, "u": `59s "refunds":[]`}, "300"},
		"a list of the same time":                            {map[string]string{"c": created, "e": refunded, "u": `1m "refunds":[]`}, "0"},
		"a newer order without a list":                       {map[string]string{"c": created, "e": refunded, "u1": `2m "refunds":[]`, "u2": "3m"}, "0"},
		"a list of an order that is stale otherwise":         {map[string]string{"c": "5m", "e": refunded, "u": `2m "refunds":[]`}, "0"},
		"the list tells it by its ID":                        {map[string]string{"c": created, "e": refunded, "u": "2m " + listed300}, "300"},
		"the order was fetched first":                        {map[string]string{"r": "2m " + listed300, "e": refunded}, "300"},
		"the list of order.created":                          {map[string]string{"c": `2m "refunds":[]`, "e": refunded}, "0"},
		"two without an ID, one after the list":              {map[string]string{"c": created, "e1": refunded, "e2": "3m " + refund300, "u": "2m " + listed300}, "600"},
		"two lists":                                          {map[string]string{"c": created, "e": "2m " + refund300, "u1": `1m "refunds":[]`, "u2": "3m " + listed300}, "300"},
		"a known part that a list omits stays":               {map[string]string{"c": created, "e": refunded + `,"id":"re_1"`, "u": `2m "refunds":[]`}, "300"},
		"a list whose element has no ID":                     {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":[{"status":"completed",` + refund300 + `}]`}, "300"},
		"a list whose element has no status":                 {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":[{"id":"re_1",` + refund300 + `}]`}, "300"},
		"a list whose element has no amount":                 {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":[{"id":"re_1","status":"completed"}]`}, "300"},
		"a list whose element is of another kind":            {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":[7]`}, "300"},
		"no list at all":                                     {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":{}`}, "300"},
		"a list of which one element can be read":            {map[string]string{"c": created, "e": refunded, "u": `2m "refunds":[{"id":"re_1","status":"completed",` + refund300 + `},null]`}, "600"},
		"a list of another kind":                             {map[string]string{"c": created, "e": refunded, "u": `2m "payments":[],"fulfillments":[],"returns":[]`}, "300"},
		"a fulfillment of the list is newer":                 {map[string]string{"c": created, "f": `1m "id":"ful_1"`, "u": `2m "fulfillments":[{"id":"ful_1","status":"delivered"}]`}, "0 delivered"},
		"a fulfillment of the list is older":                 {map[string]string{"c": created, "f": `3m "id":"ful_1","status":"cancelled"`, "u": `2m "fulfillments":[{"id":"ful_1","status":"delivered"}]`}, "0 cancelled"},
		"a fulfillment without an ID":                        {map[string]string{"c": created, "f": "1m", "u": `2m "fulfillments":[{"id":"ful_1","status":"delivered"}]`}, "0 delivered"},
		"a payment without an ID":                            {map[string]string{"c": created, "p": "1m", "u": `2m "payments":[{"id":"pay_1","status":"completed"}]`}, "0 completed"},
		"a return without an ID":                             {map[string]string{"c": created, "x": "1m", "u": `2m "returns":[{"id":"ret_1","status":"approved"}]`}, "0 approved"},
		"a return of the same second as an order without it": {map[string]string{"c": created, "x": "2m", "u": `2m "returns":[]`}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			aHistory(t, tc.events).requireEnd(t, tc.want)
		})
	}
}

func TestAListMovesItsClockThoughTheRestIsStale(t *testing.T) {
	h := aHistory(t, map[string]string{"c": "0m", "e": "1m " + refund300, "u1": "3m", "u2": `2m "refunds":[],"returns":[]`, "u3": `90s "refunds":[]`})
	o, d := h.inOrder([]string{"c", "e", "u1", "u2"})
	require.Equal(t, inorder.Applied, d.Outcome)
	require.False(t, d.NewSnapshot)
	require.Equal(t, map[string]time.Time{"refund": at(2), "return": at(2)}, o.Listed)
	require.Equal(t, at(3), o.LastWebhookAt)
	require.Equal(t, inorder.Stale, o.Apply(h["u2"]).Outcome, "a second time it moves nothing")
	require.Equal(t, inorder.Stale, o.Apply(h["u3"]).Outcome, "an older one moves nothing")
}

func TestAPartThatDoesNotCountIsKeptAndItsEventIsStale(t *testing.T) {
	h := aHistory(t, map[string]string{"c": `2m "refunds":[]`, "e": "1m " + refund300})
	before, _ := h.inOrder([]string{"c"})
	d := before.Apply(h["e"])
	require.Equal(t, inorder.Stale, d.Outcome)
	require.Equal(t, "the refunds were listed as of 2025-01-15T10:02:00Z", d.Detail)
	require.Equal(t, h["e"].Parts, d.NewParts)
	require.True(t, d.NewParts[0].KeyedByEvent)

	after := d.Order
	require.Len(t, after.Parts, 1)
	after.Parts = before.Parts
	require.Equal(t, before, after, "nothing but the part is to be written")

	again := d.Order.Apply(h["e"])
	require.Equal(t, inorder.Stale, again.Outcome)
	require.Empty(t, again.NewParts)
}

func TestWhatAFullOrderListsCompletely(t *testing.T) {
	const full = `{"id":"order_1","status":"pending","total":{"amount":1},"payments":[{"id":"pay_1","status":"completed"}],"fulfillments":[],"refunds":null,"returns":[{}]}`
	for _, eventType := range []string{"order.created", "order.updated", "order.reconciled", "payment.completed"} {
		require.Equal(t, []string{"payment", "fulfillment"}, change(t, "evt_1", eventType, at(0), full).Listed, eventType)
	}
	require.Empty(t, change(t, "evt_1", "order.updated", at(0), `{"id":"order_1","status":"pending","payments":[]}`).Listed, "of an excerpt nothing")
	many := change(t, "evt_1", "order.updated", at(0), `{"id":"order_1","status":"pending","lines":[],"payments":[`+strings.Repeat(`0,`, 20)+`0],"returns":[0]}`)
	require.Empty(t, many.Listed, "nor of a list whose mistakes are too many to tell")
	require.Len(t, many.LeftOut, 10)
}

func TestListedOfTheOrderThatWasGivenIsLeftAlone(t *testing.T) {
	h := aHistory(t, map[string]string{"c": `1m "refunds":[]`, "u": `2m "refunds":[],"returns":[]`, "u1": "3m"})
	before, _ := h.inOrder([]string{"c"})
	after := before.Apply(h["u"]).Order
	require.Equal(t, map[string]time.Time{"refund": at(1)}, before.Listed)
	require.Equal(t, map[string]time.Time{"refund": at(2), "return": at(2)}, after.Listed)
	require.Nil(t, inorder.Order{ID: "order_1"}.Apply(h["u1"]).Order.Listed, "nil as long as nothing was listed")
}
