package inorder_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"inorder"
	"inorder/dev/history"
)

// The law: any history, in any permutation, with any duplicates and any events replayed in between, gives the same final
// order. It is the one that a simple oracle gives, which sorts the history by time and lets every event overwrite.
func TestAnyPermutationWithAnyDuplicatesEndsInTheOrderThatTheOracleSays(t *testing.T) {
	for range 5 { // of rapid's 100 checks each
		rapid.Check(t, func(t *rapid.T) {
			events := history.Draw(t, "order_1")
			want, refunded := history.Final(events), history.Refunded(events)
			for range 3 {
				got := take(t, history.WithActs(t, history.Deliveries(t, events), history.Replay))
				require.Equal(t, want, got)
				require.Equal(t, refunded, refundedAmounts(got))
			}
		})
	}
}

const (
	created = `{"id":"created","type":"order.created","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1"}}`
	refund  = `{"id":"refund","type":"payment.refunded","created_at":"2025-01-15T10:01:00Z","data":{"order_id":"order_1",` + of300 + `,"lines":[]}}`
	of300   = `"amount":{"amount":300,"currency":"KRW"}`
	re1     = `{"id":"re_1","status":"completed",` + of300 + `}`
)

// full returns an event with a full order, dated at that time of day.
func full(eventType, clock, lists string) string {
	return fmt.Sprintf(`{"id":"%[1]s-%[2]s","type":"%[1]s","created_at":"2025-01-15T%[2]sZ",`+
		`"data":{"id":"order_1","status":"confirmed","total":{"amount":900,"currency":"KRW"}%[3]s}}`, eventType, clock, lists)
}

func updated(clock, lists string) string { return full("order.updated", clock, lists) }

func reconciled(clock, lists string) string { return full(inorder.TypeReconciled, clock, lists) }

func TestWhatWasRefundedIsTheSameInEveryOrderOfArrival(t *testing.T) {
	with := func(more ...string) []string { return append([]string{created, refund}, more...) }
	withList := func(refunds string) []string { return with(updated("10:02:00", `,"refunds":`+refunds)) }
	for name, test := range map[string]struct {
		refunded int64
		events   []string
	}{
		"an empty list":                    {0, withList(`[]`)},
		"a list of the same refund":        {300, withList(`[` + re1 + `]`)},
		"no list":                          {300, with(updated("10:02:00", ""))},
		"null":                             {300, withList(`null`)},
		"an object instead of a list":      {300, withList(`{}`)},
		"an element without an ID":         {300, withList(`[{"status":"completed",` + of300 + `}]`)},
		"an element without a status":      {300, withList(`[{"id":"re_1",` + of300 + `}]`)},
		"an element without an amount":     {300, withList(`[{"id":"re_1","status":"completed"}]`)},
		"null beside another refund":       {600, withList(`[null,` + re1 + `]`)},
		"and then a complete list":         {300, with(updated("10:02:00", `,"refunds":[null,`+re1+`]`), updated("10:03:00", `,"refunds":[`+re1+`]`))},
		"null, where most was null before": {300, with(updated("10:02:00", `,"payments":[`+strings.Repeat("null,", 30)+`null],"refunds":[null]`))},
		"lists of the other kinds":         {300, with(updated("10:02:00", `,"payments":[],"fulfillments":[],"returns":[]`))},

		"an earlier list":                  {600, with(updated("10:00:59", `,"refunds":[`+re1+`]`))},
		"a list of the same second":        {0, with(updated("10:01:00", `,"refunds":[]`))},
		"an API answer of the same second": {300, with(reconciled("10:00:59.999999", `,"refunds":[]`))},
		"a list, then none":                {0, with(updated("10:02:00", `,"refunds":[]`), updated("10:03:00", ""))},
		"two lists":                        {0, with(updated("10:02:00", `,"refunds":[]`), updated("10:00:30", `,"refunds":[]`))},

		"an excerpt with a list":      {300, with(`{"id":"x","type":"order.updated","created_at":"2025-01-15T10:02:00Z","data":{"id":"order_1","payment_status":"paid","refunds":[]}}`)},
		"a payment's full order":      {0, with(full("payment.completed", "10:02:00", `,"refunds":[]`))},
		"an undocumented event":       {0, with(full("order.audited", "10:02:00", `,"refunds":[]`))},
		"a creation with a list":      {0, []string{refund, full("order.created", "10:02:00", `,"refunds":[]`)}},
		"a lost creation, reconciled": {300, []string{refund, reconciled("10:01:59.999999", `,"refunds":[`+re1+`]`)}},
		"a late creation, reconciled": {300, with(reconciled("10:01:59.999999", `,"refunds":[`+re1+`]`))},

		"a refund with an ID that a list omits": {300, []string{created, updated("10:01:00", `,"refunds":[`+re1+`]`), updated("10:02:00", `,"refunds":[]`)}},
		"an ID that is null, and one that is empty": {0, []string{created, updated("10:02:00", `,"refunds":[]`),
			`{"id":"null","type":"payment.refunded","created_at":"2025-01-15T10:01:00Z","data":{"id":null,"order_id":"order_1",` + of300 + `}}`,
			`{"id":"empty","type":"payment.refunded","created_at":"2025-01-15T10:01:00Z","data":{"id":"","order_id":"order_1",` + of300 + `}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryOrder(test.events, func(deliveries []string) {
				require.Equal(t, test.refunded, refundedAmounts(deliver(t, deliveries))["KRW"], "%q", deliveries)
			})
		})
	}
}

func TestAFullOrderTellsItsPartsOfEveryKind(t *testing.T) {
	for kind, field := range map[string]string{"payment": "payments", "fulfillment": "fulfillments", "refund": "refunds", "return": "returns"} {
		t.Run(kind, func(t *testing.T) {
			part := func(eventID, more string) string {
				return fmt.Sprintf(`{"id":%q,"type":"%s.created","created_at":"2025-01-15T10:01:00Z","data":{"order_id":"order_1"%s}}`, eventID, kind, more)
			}
			events := []string{created, part("with", `,"id":"part_1","status":"before"`), part("without", ""),
				updated("10:02:00", fmt.Sprintf(`,%q:[{"id":"part_1","status":"after",%s}]`, field, of300))}
			inEveryOrder(events, func(deliveries []string) {
				o := deliver(t, deliveries)
				with, without := o.Parts[inorder.PartKey{Kind: kind, ID: "part_1"}], o.Parts[inorder.PartKey{Kind: kind, ID: "without"}]
				require.Equal(t, "after", with.Status)
				require.True(t, o.Counts(with))
				require.True(t, without.KeyedByEvent, "it is kept")
				require.False(t, o.Counts(without))
			})
		})
	}
}

// deliver takes bodies one after the other.
func deliver(t require.TestingT, bodies []string) inorder.Order {
	var s steps
	for _, body := range bodies {
		s.take(t, body, false)
	}
	return s.order()
}

// take takes deliveries, and replays between them.
func take(t require.TestingT, events []history.Event) inorder.Order {
	var s steps
	for _, e := range events {
		s.take(t, string(e.Body()), e.Act == history.Replay)
	}
	return s.order()
}

// steps does in memory what the dedupe transaction does with its tables, and what the workflow does by waiting.
type steps struct {
	known   tables
	waiting []inorder.Change
	state   map[string]inorder.Outcome // by event ID; an event recorded as waiting has ended once the order exists
}

func (s *steps) take(t require.TestingT, body string, replay bool) {
	e, err := inorder.ParseEvent([]byte(body))
	require.NoError(t, err)
	before, seen := s.state[e.ID]
	isWaiting := before == inorder.Waiting && s.known.order.ID == ""
	if seen != replay || isWaiting {
		return // a duplicate, or a replay of an event that has not ended
	}
	c, err := e.Change()
	require.NoError(t, err)
	d := s.known.apply(t, c)
	if s.state == nil {
		s.state = map[string]inorder.Outcome{}
	}
	s.state[e.ID] = d.Outcome
	if d.Outcome == inorder.Waiting {
		s.waiting = append(s.waiting, c)
	}
	if d.Created {
		for _, c := range s.waiting {
			require.NotEqual(t, inorder.Waiting, s.known.apply(t, c).Outcome)
		}
	}
}

func (s *steps) order() inorder.Order {
	known := s.known
	o := known.order
	o.Parts, o.Snapshot.Rank = known.parts, 0
	if len(o.Listed) == 0 {
		o.Listed = nil
	}
	return o
}

// tables are the order's row and the rows of its parts; nil if it has none.
type tables struct {
	order inorder.Order
	parts map[inorder.PartKey]inorder.Part
}

// apply reads only the parts that the change is about, and writes only what Apply says must be written.
func (s *tables) apply(t require.TestingT, c inorder.Change) inorder.Decision {
	o := s.order
	o.Parts = maps.Clone(s.parts)
	maps.DeleteFunc(o.Parts, func(key inorder.PartKey, _ inorder.Part) bool {
		return !slices.ContainsFunc(c.Parts, func(p inorder.Part) bool { return p.Key() == key })
	})
	parts, listed := maps.Clone(o.Parts), maps.Clone(o.Listed)
	d := o.Apply(c)
	require.Equal(t, parts, o.Parts, "Apply is pure")
	require.Equal(t, listed, o.Listed, "Apply is pure")

	switch d.Outcome {
	case inorder.Applied:
		snapshot := s.order.Snapshot
		if s.order = d.Order; !d.NewSnapshot {
			s.order.Snapshot = snapshot
		}
	case inorder.Stale: // a part that does not count is kept all the same
	case inorder.Waiting, inorder.Ignored:
		require.Empty(t, d.NewParts)
	default:
		require.Fail(t, "no event of these needs a person", "%s: %s", d.Outcome, d.Detail)
	}
	for _, p := range d.NewParts {
		if s.parts == nil {
			s.parts = map[inorder.PartKey]inorder.Part{}
		}
		s.parts[p.Key()] = p
	}
	return d
}

// refundedAmounts sums the completed refunds that count, by currency.
func refundedAmounts(o inorder.Order) map[string]int64 {
	sums := map[string]int64{}
	for _, p := range o.Parts {
		if p.Kind == "refund" && p.Status == "completed" && p.Amount != nil && o.Counts(p) {
			sums[p.Currency] += *p.Amount
		}
	}
	return sums
}

// inEveryOrder calls f with every permutation of the events.
func inEveryOrder(events []string, f func([]string)) {
	var permute func(chosen, rest []string)
	permute = func(chosen, rest []string) {
		if len(rest) == 0 {
			f(chosen)
		}
		for i, e := range rest {
			permute(append(slices.Clone(chosen), e), slices.Delete(slices.Clone(rest), i, i+1))
		}
	}
	permute(nil, events)
}
