package listen

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const key = "sk_test_hushhush"

// rig is a platform, a receiver that keeps what it gets, and a machine to listen on.
type rig struct {
	t        *testing.T
	shop     *standin.Server
	hooks    webhooks.Registrar
	machine  Machine
	tunnel   *shifting
	receiver string
	out      testenv.Output

	mu  sync.Mutex
	got []*http.Request
}

func newRig(t *testing.T, metadata bool) *rig {
	r := &rig{t: t, tunnel: &shifting{}}
	shop, api := testenv.StandIn(t, standin.Options{Keys: []string{key}, RetryDelays: []time.Duration{
		200 * time.Millisecond, time.Second, time.Second, time.Second, time.Second}}, func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		raw, _ := io.ReadAll(q.Body)
		var body map[string]any
		if json.Unmarshal(raw, &body) == nil && !metadata {
			delete(body, "metadata")
			raw, _ = json.Marshal(body)
		}
		q.Body = io.NopCloser(bytes.NewReader(raw))
		next.ServeHTTP(w, q)
	})
	r.shop = shop
	r.machine = r.newMachine()
	r.hooks = webhooks.Registrar{Platform: testenv.Platform(t, api, key), Store: webhooks.Store{Pool: testenv.Database(t)}, Owner: r.machine.Owner,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	to := httptest.NewServer(r)
	t.Cleanup(to.Close)
	r.receiver = to.URL
	t.Cleanup(func() {
		require.NotContains(t, r.out.String(), "hushhush")
		require.NotContains(t, r.out.String(), "whsec_")
	})
	return r
}

func (r *rig) newMachine() Machine {
	m, err := ThisMachine(r.t.TempDir())
	require.NoError(r.t, err)
	return m
}

func (r *rig) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.got = append(r.got, q)
	r.mu.Unlock()
	w.Header().Set("Inorder-Result", "accepted")
	_, _ = io.WriteString(w, "OK")
}

// Verify knows every secret as soon as it is recorded.
func (r *rig) Verify(body []byte, signature string) bool {
	known, err := r.hooks.Store.Secrets().List(context.Background())
	return err == nil && slices.ContainsFunc(known, func(s secrets.Secret) bool { return delivery.Verify(string(s.Secret), body, signature) })
}

func (r *rig) received() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

// shifting is a tunnel with another port each time it is opened.
type shifting struct {
	mu   sync.Mutex
	last Opened
}

func (s *shifting) Open(context.Context) (Opened, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = Opened{l, "http://" + l.Addr().String()}
	return s.last, err
}

func (s *shifting) opened() Opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (r *rig) options(name string) Options {
	return Options{Registrar: r.hooks, Machine: r.machine, Name: name, Tunnel: r.tunnel, Events: []string{"order.created", "order.paid"},
		Receiver: r.receiver, Verifier: r, Out: &r.out, Lease: 600 * time.Millisecond}
}

// start starts a Run; stop ends it, and returns its error.
func (r *rig) start(o Options) (stop func() error) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	r.t.Cleanup(func() { _ = stop() })
	r.eventually("it listens", func() bool {
		return slices.ContainsFunc(r.list(), func(w webhooks.Webhook) bool {
			out := r.out.String() // another webhook may be named, too
			return w.Active && strings.Contains(out, w.ID+" delivers ") && !strings.Contains(out, w.ID+" delivers to that receiver")
		})
	})
	return stop
}

func (r *rig) eventually(what string, condition func() bool) {
	r.t.Helper()
	require.Eventually(r.t, condition, testenv.Patience, 20*time.Millisecond, what)
}

// list returns the webhooks of the platform and of our records, the newest first.
func (r *rig) list() []webhooks.Webhook {
	list, err := r.hooks.List(context.Background())
	require.NoError(r.t, err)
	return list
}

func (r *rig) create(url string, tag webhooks.Tag) string {
	w, err := r.hooks.Platform.CreateWebhook(r.t.Context(), platform.NewWebhook{URL: url, Events: []string{"*"}, Metadata: tag.Metadata()})
	require.NoError(r.t, err)
	return w.ID
}

func (r *rig) ids() (ids []string) {
	for _, w := range r.list() {
		ids = append(ids, w.ID)
	}
	return ids
}
