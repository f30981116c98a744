package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"pgregory.net/rapid"

	"inorder/dev/history"
)

// event is an event that the senders deliver, perhaps several times.
type event struct {
	id, order string
	body      []byte
	told      *history.Event // what the event says; nil if it can't be applied and needs a person
}

// load generates orders with their events, wave after wave. The same seed gives the same events.
type load struct {
	seed   uint64
	rnd    *rand.Rand
	orders int
	events []event  // of all waves so far
	late   []*event // deliveries postponed to the next wave
}

func newLoad(seed uint64) *load { return &load{seed: seed, rnd: rand.New(rand.NewPCG(seed, 2))} }

// wave is a sequence of deliveries, and the pause between two of them.
type wave struct {
	deliveries []*event
	every      time.Duration
}

const ordersInWave = 15

// wave generates the next deliveries. They are reordered, some repeated, and some postponed by a wave.
func (l *load) wave() wave {
	deliveries := l.late
	l.late = nil
	for range ordersInWave {
		for _, e := range l.order() {
			for range 1 + max(0, l.rnd.IntN(5)-2) { // three of five come once
				if l.rnd.IntN(8) == 0 {
					l.late = append(l.late, &e)
				} else {
					deliveries = append(deliveries, &e)
				}
			}
		}
	}
	l.rnd.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
	// Slow, brisk (twice as likely), faster than Temporal accepts, and all at once.
	every := pick(l.rnd, 25*time.Millisecond, 12*time.Millisecond, 12*time.Millisecond, 4*time.Millisecond, 0)
	return wave{deliveries, every}
}

// last returns the deliveries that are left after the last wave.
func (l *load) last() wave {
	deliveries := l.late
	l.late = nil
	return wave{deliveries, 10 * time.Millisecond}
}

// order generates one order's events. One order in six gets no extra order.created: unless the drawn history has one, its events wait.
func (l *load) order() (events []event) {
	l.orders++
	id := fmt.Sprintf("o%d-%d", l.seed, l.orders)
	draw := rapid.Custom(func(t *rapid.T) []history.Event { return history.Draw(t, id) })
	told := draw.Example(int(l.rnd.Uint32()))
	created := history.Event{ID: id + ":evt_created", Type: "order.created", OrderID: id, Second: l.rnd.IntN(4), StoreID: "store_1",
		Status: "pending", Payment: "unpaid", Fulfillment: "unfulfilled", Full: true}
	if l.rnd.IntN(6) > 0 {
		told = append(told, created)
	}
	// In the middle of the history the platform's clock jumps forward.
	from, step := l.rnd.IntN(len(told)), pick(l.rnd, 0, 0, 1, 90, 3600)
	for i := range told {
		e := &told[i]
		if e.Type == "order.reconciled" { // only inorder itself makes this type
			e.Type = "order.created"
		}
		if i >= from {
			e.Second += step
		}
		events = append(events, event{id: e.ID, order: id, body: e.Body(), told: e})
	}
	if l.rnd.IntN(8) == 0 {
		events = append(events, l.poison(id))
	}
	l.events = append(l.events, events...)
	return events
}

const poisoned = ":evt_poison" // how the ID of a poison event ends

// correction returns what a poison event says once a person has amended it.
func correction(id string) *history.Event {
	order := strings.TrimSuffix(id, poisoned)
	return &history.Event{ID: id, Type: "order.updated", OrderID: order, StoreID: "store_1", Second: len(order) % 4, Status: "confirmed", Payment: "paid"}
}

// poison returns an event that can't be applied: its status is a number, or its time is in the far future.
func (l *load) poison(order string) event {
	at, status := "2025-01-15T10:00:00Z", "7"
	if l.rnd.IntN(2) == 0 {
		at, status = "2125-01-15T10:00:00Z", `"confirmed"`
	}
	id := order + poisoned
	return event{id: id, order: order, body: fmt.Appendf(nil, `{"id":%q,"type":"order.updated","created_at":%q,"store_id":"store_1","data":{"id":%q,"status":%s}}`,
		id, at, order, status)}
}
