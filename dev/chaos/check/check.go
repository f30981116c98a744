package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"

	"inorder/dev/history"
)

// Sent is what the senders and the operator know of an event.
type Sent struct {
	ID, OrderID  string
	Told         *history.Event // what the event says; nil if it can't be applied as it is
	Acknowledged bool           // answered 2xx at least once
	GivenUp      bool           // the operator canceled or discarded it, or tried to
	Correction   *history.Event // what it says once amended; nil if the operator never tried to amend it
	Amended      bool           // an amendment succeeded
}

// Querier is a connection, a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Report is the result of a check.
type Report struct {
	Events int            // number of acknowledged events
	Ends   map[string]int // number of acknowledged events by outcome, phase, "inbox" or "running"
	Orders int            // number of orders that are as the oracle says
	Wrong  []string       // sentences, each about one event or order: what was expected, and what was found
}

// place is where an event was found.
type place struct{ in, as string } // a table or Temporal; an outcome, a phase or a reason

// Check checks the place of each event, and compares each order with the oracle's. The oracle gets the events that ended as applied, stale or
// ignored, each once, however often they were delivered and replayed. running has the IDs of the running workflows. Check writes nothing.
func Check(ctx context.Context, db Querier, running map[string]bool, sent []Sent) (Report, error) {
	places, err := readPlaces(ctx, db)
	if err != nil {
		return Report{}, err
	}
	got, err := readOrders(ctx, db)
	if err != nil {
		return Report{}, err
	}
	c := checker{Report: Report{Ends: map[string]int{}}, places: places, running: running, got: got}
	histories := map[string][]history.Event{}
	known := map[string]bool{}
	for _, s := range sent {
		known[s.ID] = true
		if told := s.told(); c.event(s) && told != nil {
			histories[s.OrderID] = append(histories[s.OrderID], *told)
		}
	}
	for id := range places {
		if !known[id] {
			c.wrong("event %s: expected nothing, nobody sent it; is in %s", id, places[id][0])
		}
	}
	orders := map[string]bool{}
	for _, s := range sent {
		if !orders[s.OrderID] {
			orders[s.OrderID] = true
			c.order(s.OrderID, histories[s.OrderID])
		}
	}
	for id := range got {
		if !orders[id] {
			c.wrong("order %s: expected none, nobody sent an event about it; exists", id)
		}
	}
	sort.Strings(c.Wrong)
	return c.Report, nil
}

type checker struct {
	Report
	places  map[string][]place
	running map[string]bool
	got     map[string]facts
}

func (c *checker) wrong(format string, args ...any) {
	c.Wrong = append(c.Wrong, fmt.Sprintf(format, args...))
}

// event checks one event, and reports whether it ended with an effect, so that the oracle must count it.
func (c *checker) event(s Sent) (counts bool) {
	at := c.places[s.ID]
	if s.Acknowledged {
		c.Events++
	}
	if len(at) > 1 {
		c.wrong("event %s: expected one place, is in %v", s.ID, at)
	}
	if len(at) == 0 {
		if c.running[s.ID] {
			at = []place{{"Temporal", "running"}}
		} else {
			if s.Acknowledged {
				c.wrong("event %s: expected a row or a running workflow, it was acknowledged; is nowhere", s.ID)
			}
			return false
		}
	}
	if s.Acknowledged {
		c.Ends[at[0].as]++
	}
	if allowed := c.allowed(s); !slices.Contains(allowed, at[0].as) {
		c.wrong("event %s of order %s: expected %v, is %v", s.ID, s.OrderID, allowed, at[0])
	}
	return at[0].in == ended && slices.Contains(effects, at[0].as)
}

// told returns what the event says, or its correction if it can't be applied as it is, or nil if it can't be applied at all.
func (s Sent) told() *history.Event { return cmp.Or(s.Told, s.Correction) }

var effects = []string{"applied", "stale", "ignored"}

// allowed returns the outcomes and phases that an event may have once the system has settled.
func (c *checker) allowed(s Sent) (allowed []string) {
	switch _, there := c.got[s.OrderID]; {
	case s.told() == nil:
		allowed = []string{"attention"}
	case there:
		allowed = effects
	default:
		allowed = []string{"ignored", "waiting", "stuck"}
	}
	if s.Told == nil && s.Correction != nil && !s.Amended {
		allowed = append(slices.Clone(allowed), "attention")
	}
	if s.GivenUp {
		allowed = append(slices.Clone(allowed), "discarded")
	}
	return allowed
}

// order compares an order with the oracle's result for the events that had an effect.
func (c *checker) order(id string, told []history.Event) {
	want, got := factsOf(told), c.got[id]
	if want == nil && got == nil {
		return
	}
	right := true
	for _, name := range names(want, got) {
		if want[name] != got[name] {
			right = false
			c.wrong("order %s: expected %s %s, is %s", id, name, shown(want, name), shown(got, name))
		}
	}
	if right {
		c.Orders++
	}
}

func shown(f facts, name string) string {
	if value, there := f[name]; there {
		return fmt.Sprintf("%q", value)
	}
	return "missing"
}
