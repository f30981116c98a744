package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/sample"
)

// memoryLimit is docker-compose.yml's. serve holds about half of it: 64 MiB of arriving bodies, 4 in each group that is being
// written and batch that is being applied, 8 that wait for Temporal, and once more all that are being sent or parsed.
const (
	memoryLimit = "GOMEMLIMIT=400MiB"
	memoryBound = 480 // MiB of resident memory
)

// During floods of bad or repeated deliveries, memory stays bounded, and good deliveries are answered in time.
func TestFloods(t *testing.T) {
	t.Parallel()
	note := strings.Repeat("x", 1<<20-400)
	one := sample.Event(sample.Options{ID: "evt_again", Type: "order.created", OrderID: "order_again"})
	for name, f := range map[string]struct {
		n, senders int
		body       func(i int) []byte
		check      func(s *system)
	}{
		"one event 10,000 times": {10_000, 32, func(int) []byte { return one }, func(s *system) {
			require.Equal(t, 1, s.count(`SELECT count(*) FROM webhook_events WHERE event_id = 'evt_again'`))
		}},
		"the largest body in every request": {160, 48, func(i int) []byte {
			return fmt.Appendf(nil, `{"id":"evt_large_%d","type":"order.created","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_large_%d","status":"pending","note":%q}}`, i, i, note)
		}, func(s *system) {
			s.eventually("all are applied", func() bool {
				return s.count(`SELECT count(*) FROM webhook_events WHERE event_id LIKE 'evt_large_%' AND outcome = 'applied'`) == 160
			})
		}},
		"events that need a person": {3000, 32, func(i int) []byte {
			return fmt.Appendf(nil, `{"id":"evt_bad_%d","type":"order.paid","created_at":"yesterday","data":{"id":"order_bad"}}`, i)
		}, func(*system) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, memoryLimit)
			cmd := s.serve()
			var next atomic.Int64
			var senders sync.WaitGroup
			for range f.senders {
				senders.Go(func() {
					for i := next.Add(1) - 1; i < int64(f.n); i = next.Add(1) - 1 {
						status := 0
						for status != http.StatusOK { // retries, as the platform does while the receiver has no memory for the body
							var err error
							if status, _, err = s.post(f.body(int(i))); err != nil {
								t.Errorf("%d: %v", i, err)
								return
							}
						}
					}
				})
			}
			ended := make(chan struct{})
			go func() { senders.Wait(); close(ended) }()
			s.goodUntil(ended, cmd)
			f.check(s)
		})
	}
}

func TestIdleConnectionsKeepOutNoDelivery(t *testing.T) {
	t.Parallel()
	s := newSystem(t, memoryLimit)
	cmd := s.serve()
	opened := 0
	for range 10_000 { // on some machines, more than this process may open
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			break
		}
		t.Cleanup(func() { _ = c.Close() })
		opened++
	}
	t.Log(opened, "connections")
	require.Greater(t, opened, 800)
	ended := make(chan struct{})
	time.AfterFunc(time.Second, func() { close(ended) })
	s.goodUntil(ended, cmd)
}

// goodUntil delivers good events one by one until ended is closed. It checks their latency, the memory, and that all are applied.
func (s *system) goodUntil(ended <-chan struct{}, cmd *exec.Cmd) {
	s.t.Helper()
	var ids []string
	var slowest time.Duration
	most := 0
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		default:
		}
		begin := time.Now()
		id, _ := s.posts(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
		ids, slowest, most = append(ids, id), max(slowest, time.Since(begin)), max(most, testenv.Resident(s.t, cmd.Process.Pid))
	}
	s.t.Logf("%d good events beside it, the slowest answer after %s; at most %d MiB", len(ids), slowest, most)
	require.Less(s.t, slowest, 20*time.Second, "the platform gives up after 30 s")
	require.Less(s.t, most, memoryBound)
	s.eventually("the good ones are applied", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'applied' AND event_id = ANY ($1)`, ids) == len(ids)
	})
}
