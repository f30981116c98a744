package activities_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"inorder/dev/standin"
	"inorder/internal/platform"
	"inorder/internal/sample"
	"inorder/internal/webhooks"
)

const hookURL = "https://shop.example.com/webhooks/hc"

// watch is the watchdog, with a stand-in and a database of its own.
type watch struct {
	*store
	standin *standin.Server
	url     string
	metrics *prometheus.Registry
	logs    bytes.Buffer

	before   func(*http.Request) // if set, runs before a request reaches the stand-in
	mu       sync.Mutex
	requests []string
	secrets  []platform.Secret // every secret that was ever shown
}

func newWatch(t *testing.T, o standin.Options) *watch {
	o.Run, o.Keys = sample.NewID(""), []string{standin.DefaultKey, "sk_live_standin"}
	w := &watch{store: newStore(t), standin: standin.New(o)}
	t.Cleanup(w.standin.Close)
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r.Method+" "+r.URL.Path)
		w.mu.Unlock()
		if w.before != nil {
			w.before(r)
		}
		w.standin.ServeHTTP(rw, r)
	}))
	t.Cleanup(api.Close)
	w.url = api.URL + "/v1"
	w.Platform = w.client(standin.DefaultKey)
	w.Webhooks = webhooks.Store{Pool: w.pool}
	w.Log = slog.New(slog.NewTextHandler(&w.logs, nil))
	w.metrics = prometheus.NewRegistry()
	w.WebhookMetrics = webhooks.NewMetrics(w.metrics)
	w.HookAutorepair = true
	return w
}

func (w *watch) client(key platform.Secret) *platform.Client {
	c, err := platform.New(platform.Options{APIKey: key, BaseURL: w.url, MaxRetries: -1})
	require.NoError(w.t, err)
	return c
}

// register registers a webhook as `inorder hooks register` would have done an hour ago.
func (w *watch) register(url string, events ...string) string {
	made, err := w.Platform.CreateWebhook(w.t.Context(), platform.NewWebhook{URL: url, Events: events})
	require.NoError(w.t, err)
	w.secrets = append(w.secrets, made.Secret)
	require.NoError(w.t, w.Webhooks.Add(w.t.Context(), webhooks.Record{
		ID: made.ID, URL: url, Events: events, Mode: w.Platform.Mode(), IsActive: true}, made.Secret))
	_, err = w.pool.Exec(w.t.Context(), `UPDATE webhook_endpoints SET registered_at = now() - interval '1 hour' WHERE id = $1`, made.ID)
	require.NoError(w.t, err)
	return made.ID
}

func (w *watch) run() (check webhooks.Check, err error) {
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.RegisterActivity(w.Activities)
	v, err := env.ExecuteActivity(w.CheckSubscription)
	if err == nil {
		require.NoError(w.t, v.Get(&check))
	}
	raw, _ := json.Marshal(check)
	for _, s := range w.secrets {
		require.NotContains(w.t, string(raw)+w.logs.String(), string(s))
	}
	require.NotContains(w.t, string(raw)+w.logs.String(), standin.DefaultKey)
	return check, err
}

func (w *watch) check() webhooks.Check {
	w.t.Helper()
	check, err := w.run()
	require.NoError(w.t, err)
	return check
}

// problems returns the kinds of faults that a check found in a webhook.
func problems(check webhooks.Check, id string) (kinds []string) {
	for _, p := range check.Faults {
		if p.Webhook == id {
			kinds = append(kinds, p.Kind)
		}
	}
	return kinds
}

func (w *watch) hook(id string) standin.WebhookState {
	w.t.Helper()
	all := w.standin.Webhooks()
	i := slices.IndexFunc(all, func(h standin.WebhookState) bool { return h.ID == id })
	require.GreaterOrEqual(w.t, i, 0, id)
	return all[i]
}

func (w *watch) change(id string, u platform.WebhookUpdate) {
	_, err := w.Platform.UpdateWebhook(w.t.Context(), id, u)
	require.NoError(w.t, err)
}

// metric returns the value of a gauge or a counter, or -1 if there is none.
func (w *watch) metric(name string, labels map[string]string) float64 {
	families, err := w.metrics.Gather()
	require.NoError(w.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			same := len(m.GetLabel()) == len(labels)
			for _, l := range m.GetLabel() {
				same = same && labels[l.GetName()] == l.GetValue()
			}
			if same {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

func (w *watch) gauge(id, problem string) float64 {
	return w.metric("inorder_subscription_problems", map[string]string{"endpoint": id, "problem": problem})
}

func (w *watch) repairs(problem string) float64 {
	return w.metric("inorder_subscription_repairs_total", map[string]string{"problem": problem})
}
