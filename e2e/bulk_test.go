package e2e

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/bulk"
	"inorder/internal/sample"
	"inorder/internal/store"
	"inorder/workflows"
)

// The published figure is measured with 10,000: go test ./e2e -run TestABulkBesideLiveTraffic -v -timeout 30m -args -bulk 10000
var inBulk = flag.Int("bulk", 200, "how many waiting events the test of bulks retries")

const livePerSecond = 20

// A bulk action retries waiting events while others are delivered, and the process is killed halfway. All events end, none is applied
// twice, and the bulk action continues where it was.
func TestABulkBesideLiveTraffic(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "PENDING_RECHECK=12h")
	cmd := s.serve()
	s.haveWait(*inBulk)
	live := s.deliverLive()
	quiet := max(5*time.Second, min(time.Duration(*inBulk)*5*time.Millisecond, 30*time.Second))
	s.eventually("the acks without a bulk are measured", func() bool { return live.count() > int(quiet.Seconds())*livePerSecond })
	without := live.take()

	started, err := s.bulks().Start(t.Context(), api.BulkRequest{Action: api.Retry, Filter: api.Filter{State: api.StateWaiting}, Reason: "the orders are there"}, "ops", "")
	require.NoError(t, err)
	require.Greater(t, started.Total, *inBulk/2, "all but those that were woken late by the inbox, and have ended by themselves")
	done := func() int { return s.count(`SELECT count(*) FROM bulk_events WHERE done_at IS NOT NULL`) }
	s.within(5*time.Minute+time.Duration(*inBulk)*40*time.Millisecond, "half is done", func() bool { return done() >= started.Total/2 })
	with := live.take()
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	killedAt := done()
	s.serve()
	s.within(4*time.Minute+time.Duration(*inBulk)*40*time.Millisecond, "the bulk is done", func() bool {
		b, err := s.bulks().Get(t.Context(), started.ID)
		return err == nil && b.End == "done"
	})
	live.stop()
	s.requireAppliedOnce(started)
	t.Logf("%d of %d were done when it was killed; acks without a bulk: %s; with: %s; after the kill: %s", killedAt, *inBulk, without, with, live.take())
}

func (s *system) bulks() *bulk.Bulks {
	events := workflows.Events{Client: s.temporal, Namespace: s.namespace, TaskQueue: workflows.DefaultTaskQueue}
	return &bulk.Bulks{Store: store.New(s.pool), Engine: workflows.Bulks{Events: events}}
}

// haveWait delivers n events that wait, each for its own order, then inserts the orders without waking the events. A trigger records their changes.
func (s *system) haveWait(n int) {
	ids := make(chan int, n)
	for i := range n {
		ids <- i
	}
	close(ids)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range ids {
				s.send(sample.Options{Type: "order.paid", OrderID: fmt.Sprint("order_waited_", i)})
			}
		})
	}
	all.Wait()
	s.within(2*time.Minute+time.Duration(n)*200*time.Millisecond, "all wait", func() bool {
		return s.count(`SELECT count(*) FROM pending_events`) == n && s.inbox() == 0
	})
	_, err := s.pool.Exec(context.Background(), `
		INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at)
		SELECT order_id, '{}', '2020-01-01', 0, 'evt', '2020-01-01' FROM pending_events;
		CREATE TABLE changes (order_id text);
		CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN INSERT INTO changes VALUES (NEW.id); RETURN NULL; END';
		CREATE TRIGGER note_change AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note_change()`)
	require.NoError(s.t, err)
}

func (s *system) requireAppliedOnce(b api.Started) {
	s.t.Helper()
	s.eventually("all end", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 0 })
	n := *inBulk
	require.Equal(s.t, n, s.count(`SELECT count(*) FROM webhook_events WHERE type = 'order.paid' AND outcome = 'applied'`))
	require.Equal(s.t, n, s.count(`SELECT count(*) FROM changes`), "each order changed once")
	require.Equal(s.t, n, s.count(`SELECT count(DISTINCT order_id) FROM changes`))
	require.Equal(s.t, b.Total, s.count(`SELECT count(*) FROM bulk_events WHERE done_at IS NOT NULL AND NOT failed`))
	audited := s.count(`SELECT count(*) FROM audit_log WHERE bulk_id = $1 AND action = 'retry'`, b.ID)
	require.Equal(s.t, audited, s.count(`SELECT count(DISTINCT event_id) FROM audit_log WHERE bulk_id = $1 AND action = 'retry'`, b.ID), "each is recorded once")
	require.Equal(s.t, b.Total, audited)
}

// live is traffic at a steady rate. took has the latency of each delivery that was acknowledged at the first attempt.
type live struct {
	mu   sync.Mutex
	took []time.Duration
	stop func()
}

func (s *system) deliverLive() *live {
	ctx, cancel := context.WithCancel(s.t.Context())
	l, all := &live{}, sync.WaitGroup{}
	l.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	s.t.Cleanup(l.stop)
	all.Go(func() {
		ticker := time.NewTicker(time.Second / livePerSecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-ticker.C:
				all.Go(func() { l.deliver(s) })
			}
		}
	})
	return l
}

func (l *live) deliver(s *system) {
	body := sample.Event(sample.Options{ID: sample.NewID("evt_"), Type: "order.created", OrderID: sample.NewID("order_")})
	began := time.Now()
	if status, _, err := s.post(body); err != nil || status != http.StatusOK {
		s.deliver(body)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, time.Since(began))
}

func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.took)
}

// take returns p50 and p99 of the latencies since the last call.
func (l *live) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := slices.Sorted(slices.Values(l.took))
	l.took = nil
	if len(took) == 0 {
		return "none"
	}
	return fmt.Sprintf("p50 %s, p99 %s of %d", took[len(took)/2].Round(time.Millisecond/10), took[len(took)*99/100].Round(time.Millisecond/10), len(took))
}
