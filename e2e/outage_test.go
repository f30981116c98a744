package e2e

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"inorder/dev/testenv"
	"inorder/internal/sample"
)

// throughProxy makes the database of a system reachable only through a proxy, which is cut until connect is called.
func (s *system) throughProxy() *outage {
	u, err := url.Parse(s.databaseURL())
	require.NoError(s.t, err)
	p := newOutage(s.t, u.Host)
	u.Host = p.Addr()
	s.env = append(s.env, "DATABASE_URL="+u.String())
	return p
}

func TestDatabaseDownAtStart(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	p := s.throughProxy()
	s.start("serve")
	s.awaitReady() // it accepts events, because Temporal keeps them
	id := s.send(sample.Options{Type: "order.created", OrderID: "order_1"})
	s.eventually("a log line says what is missing", func() bool {
		return strings.Contains(s.log(), "PostgreSQL is not ready; trying again")
	})
	p.connect()
	s.eventually("the event is applied", func() bool { return s.outcome(id) == "applied" })
}

func TestDatabaseLostMeanwhile(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	p := s.throughProxy()
	p.connect()
	s.serve()
	first := s.send(sample.Options{Type: "order.created", OrderID: "order_1"})
	s.eventually("the event is applied", func() bool { return s.outcome(first) == "applied" })
	p.cut()
	id := s.send(sample.Options{Type: "order.paid", OrderID: "order_1"})
	c := s.temporal
	s.eventually("the retried activity is visible", func() bool {
		d, err := c.DescribeWorkflow(context.Background(), id, "")
		return err == nil && len(d.RawResponse.PendingActivities) == 1 && d.RawResponse.PendingActivities[0].GetLastFailure() != nil
	})
	s.eventually("the phase is searchable", func() bool {
		n, err := c.CountWorkflow(context.Background(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: `EventPhase = "applying" AND WorkflowId = "` + id + `"`})
		return err == nil && n.Count == 1
	})
	p.connect()
	s.eventually("the event is applied", func() bool { return s.outcome(id) == "applied" })
}

func TestATableThatIsAwayIsLoggedOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "INBOX=off") // so that all events are applied by activities
	s.serve()
	before := len(s.log())
	s.rename("orders", "orders_away")
	ids := make([]string, 300)
	var wg sync.WaitGroup
	for first := range 10 {
		wg.Go(func() {
			for i := first; i < len(ids); i += 10 {
				ids[i] = s.send(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
			}
		})
	}
	wg.Wait()
	for i := range 10 {
		s.eventually("they have failed several times", func() bool { return s.attempts(ids[len(ids)-1-i]) > 3 })
	}
	said := s.log()[before:]
	t.Logf("%d bytes of log:\n%s", len(said), said)
	require.Less(t, len(said), 16384, "bytes are logged; each attempt would make ten times as many") // a busy Temporal adds some lines
	_, first, found := strings.Cut(said, `level=ERROR msg="Activity error."`)
	require.True(t, found)
	first, _, _ = strings.Cut(first, "\n")
	require.Contains(t, first, "does not exist (SQLSTATE 42P01)")
	s.rename("orders_away", "orders")
	s.eventually("all are applied", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'applied'`) == 300
	})
}

// attempts returns the current attempt of the event's pending activity, or 0 if it has none.
func (s *system) attempts(id string) int32 {
	d, err := s.temporal.DescribeWorkflow(context.Background(), id, "")
	if err != nil || len(d.RawResponse.PendingActivities) == 0 {
		return 0
	}
	return d.RawResponse.PendingActivities[0].Attempt
}

func (s *system) rename(from, to string) {
	_, err := s.pool.Exec(context.Background(), "ALTER TABLE "+from+" RENAME TO "+to)
	require.NoError(s.t, err)
}

func TestTemporalDownWithoutAnInbox(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "INBOX=off")
	p := newOutage(t, os.Getenv(testenv.TemporalVariable))
	s.env = append(s.env, "TEMPORAL_ADDRESS="+p.Addr())
	s.start("serve")
	s.eventually("it listens", func() bool {
		resp, err := http.Get(s.url + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	resp, err := http.Get(s.url + "/readyz")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)

	body := sample.Event(sample.Options{Type: "order.created", OrderID: "order_1"})
	status, result, err := s.post(body)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Empty(t, result)

	p.connect()
	s.deliver(body)
	s.eventually("the event is applied", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'applied'`) == 1
	})
}

// When serve is stopped under load, it answers every delivery that it has accepted, and accepts none that it does not answer.
func TestStopFinishesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	cmd := s.serve()
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		accepted []string
		some     = make(chan struct{})
	)
	for range 8 {
		wg.Go(func() {
			for {
				id := sample.NewID("evt_")
				status, _, err := s.post(sample.Event(sample.Options{ID: id, Type: "order.created", OrderID: sample.NewID("order_")}))
				if err != nil {
					return // it no longer listens
				}
				if status == http.StatusServiceUnavailable { // it was too busy, and accepted nothing
					continue
				}
				if status != http.StatusOK {
					t.Errorf("answered %d", status)
				}
				mu.Lock()
				if accepted = append(accepted, id); len(accepted) == 50 {
					close(some)
				}
				mu.Unlock()
			}
		})
	}
	<-some
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	wg.Wait()
	require.NoError(t, cmd.Wait(), "a requested stop exits with code 0")
	s.serve()
	s.eventually("all that was accepted is applied", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE event_id = any($1)`, accepted) == len(accepted)
	})
}
