package webhooks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	url     = "https://shop.example.com/webhooks/hc"
	foreign = "https://elsewhere.example.com/hooks"
	key     = "sk_test_hushhush"
)

// rig is a registrar on a stand-in and a database of its own.
type rig struct {
	webhooks.Registrar
	t     *testing.T
	shop  *standin.Server
	url   string
	fuse  *fuse
	waits []time.Duration

	onCreate func()            // before a create reaches the platform
	replace  map[string]string // other JSON for webhooks in lists, by their IDs

	mu   sync.Mutex
	said []string
}

type change func(method string, body map[string]any)

// withoutMetadata and alwaysActive imitate platforms that support less than the SDK.
func withoutMetadata(_ string, body map[string]any) { delete(body, "metadata") }
func alwaysActive(method string, body map[string]any) {
	if method == http.MethodPost {
		delete(body, "is_active")
	}
}

func newRig(t *testing.T, changes ...change) *rig {
	r := &rig{t: t}
	shop, api := testenv.StandIn(t, standin.Options{Keys: []string{key}}, func(w http.ResponseWriter, q *http.Request, _ http.Handler) {
		raw, _ := io.ReadAll(q.Body)
		var body map[string]any
		if json.Unmarshal(raw, &body) == nil {
			for _, c := range changes {
				c(q.Method, body)
			}
			raw, _ = json.Marshal(body)
		}
		q.Body = io.NopCloser(bytes.NewReader(raw))
		if q.Method == http.MethodPost && r.onCreate != nil {
			r.onCreate()
		}
		if q.Method == http.MethodGet && r.replace != nil {
			r.replaced(w, q)
			return
		}
		r.shop.ServeHTTP(w, q)
	})
	r.shop, r.url, r.fuse = shop, strings.TrimSuffix(api, "/v1"), &fuse{}
	client := testenv.Platform(t, api, key, func(o *platform.Options) {
		o.HTTPClient, o.Sleep = &http.Client{Transport: r.fuse}, func(context.Context, time.Duration) error { return nil }
	})
	r.Registrar = webhooks.Registrar{
		Platform: client, Store: webhooks.Store{Pool: testenv.Database(t)}, Owner: "me@here",
		Say: func(format string, args ...any) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.said = append(r.said, fmt.Sprintf(format, args...))
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			r.waits = append(r.waits, d)
			return ctx.Err()
		},
	}
	return r
}

// replaced answers a list with some of its webhooks replaced.
func (r *rig) replaced(w http.ResponseWriter, q *http.Request) {
	rec := httptest.NewRecorder()
	r.shop.ServeHTTP(rec, q)
	var page map[string]json.RawMessage
	var list []json.RawMessage
	require.NoError(r.t, json.Unmarshal(rec.Body.Bytes(), &page))
	require.NoError(r.t, json.Unmarshal(page["data"], &list))
	for i, one := range list {
		var is struct{ ID string }
		if require.NoError(r.t, json.Unmarshal(one, &is)); r.replace[is.ID] != "" {
			list[i] = json.RawMessage(r.replace[is.ID])
		}
	}
	page["data"], _ = json.Marshal(list)
	_ = json.NewEncoder(w).Encode(page)
}

// fuse imitates a process that dies after a number of requests: the last one is still performed, and nothing after it.
type fuse struct {
	left int
	die  func() // nil while it lives for ever
}

func (f *fuse) RoundTrip(q *http.Request) (*http.Response, error) {
	if f.die != nil && f.left == 0 {
		return nil, errors.New("dead")
	}
	res, err := http.DefaultTransport.RoundTrip(q)
	if f.die != nil {
		if f.left--; f.left == 0 {
			f.die()
		}
	}
	return res, err
}

// dyingAfter runs a function that dies after n requests, and reports whether it did.
func (r *rig) dyingAfter(n int, run func(context.Context) error) bool {
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	r.fuse.left, r.fuse.die = n, cancel
	defer func() { r.fuse.die = nil }()
	err := run(ctx)
	if r.fuse.left > 0 {
		require.NoError(r.t, err)
	}
	return r.fuse.left == 0
}

func (r *rig) all() []webhooks.Webhook {
	list, err := r.List(r.t.Context())
	require.NoError(r.t, err)
	return list
}

// at returns the webhooks with that URL.
func (r *rig) at(url string) (found []webhooks.Webhook) {
	for _, w := range r.all() {
		if w.URL == url {
			found = append(found, w)
		}
	}
	return found
}

// faults returns the texts of a webhook's faults.
func faults(w webhooks.Webhook) (texts []string) {
	for _, f := range w.Faults() {
		texts = append(texts, f.Text)
	}
	return texts
}

func (r *rig) foreign(url string, active bool) string {
	w, err := r.Platform.CreateWebhook(r.t.Context(), platform.NewWebhook{URL: url, Events: []string{"*"}, IsActive: &active})
	require.NoError(r.t, err)
	return w.ID
}

func (r *rig) register(events ...string) webhooks.Record {
	if len(events) == 0 {
		events = []string{"order.created", "order.paid"}
	}
	e, existed, err := r.Register(r.t.Context(), url, events)
	require.NoError(r.t, err)
	require.False(r.t, existed)
	return e
}

func (r *rig) secrets() []secrets.Secret {
	list, err := r.Store.Secrets().List(r.t.Context())
	require.NoError(r.t, err)
	return list
}

func (r *rig) says() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "\n")
}
