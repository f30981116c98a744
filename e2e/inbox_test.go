package e2e

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/sample"
)

// throughProxies makes both servers reachable only through proxies, which are connected.
func (s *system) throughProxies() (temporal, postgres *outage) {
	temporal, postgres = newOutage(s.t, os.Getenv(testenv.TemporalVariable)), s.throughProxy()
	s.env = append(s.env, "TEMPORAL_ADDRESS="+temporal.Addr())
	temporal.connect()
	postgres.connect()
	return temporal, postgres
}

func (s *system) posts(o sample.Options) (id, result string) {
	s.t.Helper()
	o.ID = sample.NewID("evt_")
	status, result, err := s.post(sample.Event(o))
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, status)
	return o.ID, result
}

func (s *system) inbox() int { return s.count(`SELECT count(*) FROM event_inbox`) }

// A dozen events that arrive at once become a dozen workflows, and the inbox ends empty. If the machine stalls, a start exceeds its budget, and
// what comes then finds few slots and is applied from the inbox alone: that was no calm, and another dozen is tried.
func TestInCalmEveryEventIsAWorkflow(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.serve()
	for begin := time.Now(); !s.becomeWorkflows(12); {
		require.Less(t, time.Since(begin), testenv.Patience, "no dozen of events became a dozen of workflows")
	}
}

// becomeWorkflows delivers n events at once, waits until all are applied, and reports whether each of them has a workflow.
func (s *system) becomeWorkflows(n int) bool {
	ids := make([]string, n)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			ids[i] = sample.NewID("evt_")
			s.deliver(sample.Event(sample.Options{ID: ids[i], Type: "order.created", OrderID: sample.NewID("order_")}))
		})
	}
	all.Wait()
	s.eventually("all are applied", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'applied' AND event_id = ANY ($1)`, ids) == n
	})
	s.eventually("nothing is left in the inbox", func() bool { return s.inbox() == 0 })
	for _, id := range ids {
		if _, err := s.temporal.DescribeWorkflow(s.t.Context(), id, ""); err != nil {
			s.t.Log(id, err)
			return false
		}
	}
	return true
}

// While Temporal is cut off or hangs, the orders table stays right, and events that wait for an order are released afterwards.
func TestOrdersStayRightWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*outage) func(){
		"cut off": func(p *outage) func() { p.cut(); return p.connect },
		"hanging": func(p *outage) func() { return p.Freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			temporal, _ := s.throughProxies()
			s.serve()
			waiting := s.send(sample.Options{Type: "order.paid", OrderID: "order_waited_for", At: time.Now().Add(time.Minute)})
			s.eventually("it waits", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 1 })
			back := sync.OnceFunc(away(temporal))
			t.Cleanup(back)

			s.posts(sample.Options{Type: "order.created", OrderID: "order_waited_for"})
			for i := range 40 {
				s.posts(sample.Options{Type: "order.created", OrderID: fmt.Sprint("order_", i)})
				s.posts(sample.Options{Type: "order.paid", OrderID: fmt.Sprint("order_", i)})
			}
			early, result := s.posts(sample.Options{Type: "order.paid", OrderID: "order_late", At: time.Now().Add(time.Minute)})
			require.Equal(t, delivery.ResultSpilled, result)
			s.eventually("all events whose order exists are applied", func() bool {
				return s.count(`SELECT count(*) FROM webhook_events WHERE via = 'inbox' AND outcome = 'applied'`) == 81
			})
			require.Equal(t, 40, s.count(`SELECT count(*) FROM orders WHERE payment_status = 'paid' AND id <> 'order_waited_for'`))
			s.awaitReady() // it is not ready while PostgreSQL takes longer than the probe waits

			back()
			s.eventually("the waiting event is released", func() bool { return s.outcome(waiting) == "applied" })
			s.eventually("nothing is left in the inbox", func() bool { return s.inbox() == 0 })
			s.send(sample.Options{Type: "order.created", OrderID: "order_late"})
			s.eventually("the event that came before its order is applied", func() bool { return s.outcome(early) == "applied" })
		})
	}
}

func TestWithoutPostgreSQLTemporalTakesTheEvents(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	temporal, postgres := s.throughProxies()
	s.serve()
	postgres.cut()
	id, result := s.posts(sample.Options{Type: "order.created", OrderID: "order_1"})
	require.Equal(t, delivery.ResultAccepted, result)

	temporal.cut()
	var all sync.WaitGroup
	for range 10 { // so that the receiver notices
		all.Go(func() { _, _, _ = s.post(sample.Event(sample.Options{Type: "order.created"})) })
	}
	s.eventually("without both it is refused at once", func() bool {
		begin := time.Now()
		status, _, err := s.post(sample.Event(sample.Options{Type: "order.created"}))
		return err == nil && status == http.StatusServiceUnavailable && time.Since(begin) < 400*time.Millisecond // the budget of a delivery that probes
	})
	postgres.connect()
	temporal.connect()
	all.Wait()
	s.eventually("the event is applied", func() bool { return s.outcome(id) == "applied" })
}

// serve is killed in the middle of a burst. No acknowledged event is lost, and none is applied twice.
func TestKilledInABurst(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	cmd := s.serve()
	var (
		mu           sync.Mutex
		acknowledged []string
		senders      sync.WaitGroup
		killed       = make(chan struct{})
	)
	for range 64 {
		senders.Go(func() {
			for {
				id := sample.NewID("evt_")
				status, _, err := s.post(sample.Event(sample.Options{ID: id, Type: "order.created", OrderID: sample.NewID("order_")}))
				if err != nil {
					return
				}
				if status != http.StatusOK { // too busy: if all senders gave up, serve would never be killed
					continue
				}
				mu.Lock()
				if acknowledged = append(acknowledged, id); len(acknowledged) == 1000 {
					close(killed)
				}
				mu.Unlock()
			}
		})
	}
	<-killed
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	senders.Wait()
	s.serve()
	s.eventually("all are applied", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'applied' AND event_id = ANY ($1)`, acknowledged) == len(acknowledged)
	})
	s.eventually("nothing is left in the inbox", func() bool { return s.inbox() == 0 })
	t.Logf("%d acknowledged, %d of all applied via the inbox", len(acknowledged), s.count(`SELECT count(*) FROM webhook_events WHERE via = 'inbox'`))
}
