package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/internal/platform"
	"inorder/internal/sample"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

// addSecret records a webhook and its secret, as `inorder hooks register` does.
func (s *system) addSecret(id, secret string) {
	s.t.Helper()
	e := webhooks.Record{ID: id, URL: "https://shop.example.com/webhooks/hc", Events: []string{"*"}, Mode: platform.Test, IsActive: true}
	require.NoError(s.t, webhooks.Store{Pool: s.pool}.Add(context.Background(), e, platform.Secret(secret)))
}

// secretVerified returns the metric of a secret: nil if it is not valid, 0 if it has verified nothing.
func (s *system) secretVerified(admin, secret, source string) *float64 {
	resp, err := http.Get("http://" + admin + "/metrics")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.NotContains(s.t, string(text), secret)
	series := fmt.Sprintf("inorder_secret_last_verified_timestamp_seconds{secret=%q,source=%q} ", secrets.Name(secret), source)
	for line := range strings.Lines(string(text)) {
		if value, ours := strings.CutPrefix(strings.TrimSpace(line), series); ours {
			seconds, err := strconv.ParseFloat(value, 64)
			require.NoError(s.t, err)
			return &seconds
		}
	}
	return nil
}

// secretNoted returns when the secret last verified something, according to the table.
func (s *system) secretNoted(secret string) (at *time.Time) {
	require.NoError(s.t, s.pool.QueryRow(context.Background(), `SELECT last_verified_at FROM webhook_secrets WHERE name = $1`,
		secrets.Name(secret)).Scan(&at))
	return at
}

// rotation delivers events as the platform does: each is signed with the secret that is active when the event is made.
type rotation struct {
	s        *system
	active   atomic.Pointer[string]
	switched atomic.Int32 // senders that no longer use the first secret
	stop     atomic.Bool
	wg       sync.WaitGroup

	mu       sync.Mutex
	accepted map[string]int // number of deliveries by secret
	refused  []string
}

func (r *rotation) deliver(secret string, body []byte) {
	status, err := r.s.answer(secret, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && status == http.StatusOK {
		r.accepted[secret]++
		return
	}
	r.refused = append(r.refused, fmt.Sprintf("%s: %d %v", secrets.Name(secret), status, err))
}

// answer posts a body, again while the answer is 503, which says nothing about the secret, and returns the status.
func (s *system) answer(secret string, body []byte) (status int, err error) {
	for begin := time.Now(); time.Since(begin) < testenv.Patience; time.Sleep(100 * time.Millisecond) {
		if status, _, err = s.postSigned(secret, body); err != nil || status != http.StatusServiceUnavailable {
			break
		}
	}
	return status, err
}

func (r *rotation) count(secret string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted[secret]
}

// run delivers with that many senders. After the switch, each sender repeats the last delivery that it signed before the
// switch, like a retry.
func (r *rotation) run(senders int) {
	for range senders {
		r.wg.Go(func() {
			var last []byte
			signer := r.active.Load()
			for !r.stop.Load() {
				if now := r.active.Load(); now != signer {
					r.deliver(*signer, last)
					signer = now
					r.switched.Add(1)
				}
				last = sample.Event(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
				r.deliver(*signer, last)
			}
		})
	}
	r.s.t.Cleanup(func() { r.stop.Store(true); r.wg.Wait() })
}

// awaitRefused waits until the receiver refuses a secret, and checks that it does not do so before end.
func (s *system) awaitRefused(secret string, end time.Time) {
	late := sample.Event(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
	s.eventually("the old secret is refused after its end", func() bool {
		status, err := s.answer(secret, late)
		if err != nil || status != http.StatusOK && status != http.StatusUnauthorized || status == http.StatusUnauthorized && !time.Now().After(end) {
			s.t.Errorf("%d before the end, %v", status, err)
		}
		return status != http.StatusOK
	})
}

func TestRotatingTheSecretUnderLoadRefusesNoDelivery(t *testing.T) {
	t.Parallel()
	port, err := stack.FreePort()
	require.NoError(t, err)
	admin := fmt.Sprintf("127.0.0.1:%d", port)
	s := newSystem(t, "WEBHOOK_SECRETS=", "ADMIN_ADDR="+admin)
	before, after := sample.NewID("whsec_before_"), sample.NewID("whsec_after_")
	s.addSecret("wh_before", before)
	s.serve() // only once: rotation needs no restart
	store := webhooks.Store{Pool: s.pool}

	r := &rotation{s: s, accepted: map[string]int{}}
	r.active.Store(&before)
	const senders, some = 6, 100
	r.run(senders)
	s.eventually("the first secret is in use", func() bool { return r.count(before) >= some })
	require.Nil(t, s.secretVerified(admin, after, "wh_after"))

	s.addSecret("wh_after", after)
	// A command would wait for secrets.KnownWithin here. The test polls instead, because its machine may be busy.
	s.eventually("the receiver knows the new secret", func() bool { return s.secretVerified(admin, after, "wh_after") != nil })
	require.Zero(t, *s.secretVerified(admin, after, "wh_after"))

	r.active.Store(&after)
	s.eventually("the new secret is in use, and nothing of the old one is under way", func() bool {
		return r.count(after) >= some && r.switched.Load() == senders
	})
	require.NotZero(t, *s.secretVerified(admin, before, "wh_before"))
	require.NotZero(t, *s.secretVerified(admin, after, "wh_after"))

	end := time.Now().Add(time.Second)
	ended, err := store.Secrets().End(context.Background(), "wh_before", end)
	require.NoError(t, err)
	require.Equal(t, 1, ended)
	s.awaitRefused(before, end)
	further := r.count(after) + some
	s.eventually("deliveries with the new secret continue", func() bool { return r.count(after) >= further })
	r.stop.Store(true)
	r.wg.Wait()

	require.Empty(t, r.refused)
	require.Nil(t, s.secretVerified(admin, before, "wh_before"))
	s.eventually("the table says when each was last used", func() bool {
		first, second := s.secretNoted(before), s.secretNoted(after)
		return first != nil && second != nil && second.After(*first)
	})
	t.Logf("accepted: %d signed with the old secret, %d with the new one; refused: none", r.accepted[before], r.accepted[after])
	require.NotContains(t, s.log(), "whsec_")
}

func TestRotationGoesOnWhenTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "WEBHOOK_SECRETS=")
	s.addSecret("wh_1", secret)
	p := s.throughProxy()
	s.start("receiver")
	s.awaitReady()
	body := sample.Event(sample.Options{Type: "order.created", OrderID: "order_1"})
	status, err := s.answer(secret, body)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status, "nothing is known yet")
	s.eventually("it is explained", func() bool { return strings.Contains(s.log(), "a sample of a refused delivery was not written") })

	p.connect()
	s.eventually("the table is read", func() bool { return strings.Contains(s.log(), "webhook secrets that are valid now") })
	status, err = s.answer(secret, body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "its secret counts")
	status, err = s.answer("whsec_stranger", body)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	const explained = `SELECT count(*) FROM refused_deliveries WHERE causes = '{no_match}' AND summary LIKE '%not tried: the secrets in PostgreSQL, which could not be read%' = $1`
	s.eventually("only the first was refused before all secrets were tried", func() bool { return s.count(explained, true) == 1 && s.count(explained, false) == 1 })
	const away = "webhook secrets in PostgreSQL cannot be read"
	before := strings.Count(s.log(), away) // a busy PostgreSQL may have been away more than once
	p.cut()
	s.eventually("the log says that PostgreSQL is away", func() bool { return strings.Count(s.log(), away) > before })
	status, err = s.answer(secret, body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "what was known stays valid")
	p.connect()
	s.addSecret("wh_2", "whsec_second")
	s.eventually("a secret that came meanwhile counts", func() bool {
		status, _, err := s.postSigned("whsec_second", body)
		return err == nil && status == http.StatusOK
	})
}
