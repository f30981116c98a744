package activities_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"inorder/dev/standin"
	"inorder/internal/platform"
	"inorder/internal/sample"
	"inorder/internal/webhooks"
)

const hookURL = "https://shop.example.com/webhooks/hc"

// watch is the watchdog, between a stand-in and a database of their own.
type watch struct {
	*store
	standin *standin.Server
	url     string
	metrics *prometheus.Registry
	logs    bytes.Buffer

	before   func(*http.Request) // a request reaches the stand-in
	mu       sync.Mutex
	requests []string
	secrets  []platform.Secret // all that were ever shown
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

// register does what `inorder hooks register` does, an hour ago.
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

// problems are the kinds that a check found of an endpoint.
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

// metric is a gauge's or a counter's value, -1 if it is not there.
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

func TestCheckSubscriptionFindsWhatIsWrong(t *testing.T) {
	w := newWatch(t, standin.Options{})
	w.HookAutorepair = false
	id := w.register(hookURL, "order.created", "order.paid")
	w.change(id, platform.WebhookUpdate{Events: []string{"order.paid", "order.created"}})
	check := w.check()
	require.Empty(t, check.Faults, "events are a set")
	require.Equal(t, 1, check.Checked)
	require.WithinDuration(t, time.Now(), check.CheckedAt, time.Minute)
	require.Zero(t, w.gauge(id, "inactive"))
	require.InDelta(t, time.Now().Unix(), w.metric("inorder_subscription_last_check_timestamp_seconds", nil), 60)

	elsewhere := "https://elsewhere.example.com/"
	w.change(id, platform.WebhookUpdate{URL: &elsewhere, Events: []string{"order.paid"}})
	require.NoError(t, w.standin.Deactivate(id))
	check = w.check()
	require.Equal(t, []string{"inactive", "url", "events"}, problems(check, id))
	require.Len(t, check.Open(), 3)
	require.Contains(t, check.Faults[1].Text, "delivers to "+elsewhere+" instead of "+hookURL)
	require.Contains(t, w.logs.String(), "level=ERROR")
	require.EqualValues(t, 1, w.gauge(id, "url"))
	require.False(t, w.hook(id).IsActive, "without HOOK_AUTOREPAIR nothing is repaired")

	require.NoError(t, w.Platform.DeleteWebhook(t.Context(), id))
	require.Equal(t, []string{"missing"}, problems(w.check(), id))
	require.EqualValues(t, 1, w.gauge(id, "missing"))
	require.Zero(t, w.gauge(id, "url"), "returns to 0")
	require.NoError(t, w.Webhooks.Remove(t.Context(), id, time.Now()))
	require.Empty(t, w.check().Faults)
	require.EqualValues(t, -1, w.gauge(id, "missing"), "no longer watched")
}

func TestAWebhookThatIsBeingRegisteredIsLeftAlone(t *testing.T) {
	w := newWatch(t, standin.Options{})
	id := w.register(hookURL, "*")
	require.NoError(t, w.standin.Deactivate(id))
	_, err := w.pool.Exec(t.Context(), `UPDATE webhook_endpoints SET registered_at = now()`)
	require.NoError(t, err)
	require.Empty(t, w.check().Faults)
	require.False(t, w.hook(id).IsActive)
}

func TestCheckSubscriptionPutsBackWhatDiffers(t *testing.T) {
	w := newWatch(t, standin.Options{})
	id := w.register(hookURL, "order.created", "order.paid")
	before := w.repairs("url")
	require.GreaterOrEqual(t, before, 0.0, "a counter begins with 0, or its first increase is none")
	elsewhere := "https://elsewhere.example.com/"
	w.change(id, platform.WebhookUpdate{URL: &elsewhere, Events: []string{"*"}})
	require.NoError(t, w.standin.Deactivate(id))
	check := w.check()
	require.Equal(t, []string{"inactive", "url", "events"}, problems(check, id))
	require.Empty(t, check.Open())
	require.Zero(t, w.gauge(id, "url"))
	require.Equal(t, before+1, w.repairs("url"))
	is := w.hook(id)
	require.Equal(t, []string{hookURL, "order.created order.paid"}, []string{is.URL, strings.Join(is.Events, " ")})
	require.True(t, is.IsActive)
	require.Empty(t, w.check().Faults, "and finds it right the next time")
}

func TestCheckSubscriptionReplacesWhatIsGone(t *testing.T) {
	for name, o := range map[string]standin.Options{
		"as the SDK has it": {}, "without metadata": {NoMetadata: true}, "active at once": {NoInactive: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatch(t, o)
			foreign, err := w.Platform.CreateWebhook(t.Context(), platform.NewWebhook{URL: hookURL, Events: []string{"order.created"}})
			require.NoError(t, err)
			gone := w.register(hookURL, "order.created")
			require.NoError(t, w.Platform.DeleteWebhook(t.Context(), gone))
			check := w.check()
			require.Equal(t, []string{"missing"}, problems(check, gone))
			require.Empty(t, check.Open())

			left, err := w.Webhooks.List(t.Context())
			require.NoError(t, err)
			require.Len(t, left, 1)
			require.Equal(t, "replaced by "+left[0].ID, check.Faults[0].Repaired)
			require.NotEqual(t, foreign.ID, left[0].ID)
			is := w.hook(left[0].ID)
			require.True(t, is.IsActive)
			require.Equal(t, hookURL, is.URL)
			require.Len(t, w.standin.Webhooks(), 2, "the foreign one is untouched")

			secrets, err := w.Webhooks.Secrets().List(t.Context())
			require.NoError(t, err)
			require.Len(t, secrets, 2)
			require.WithinDuration(t, time.Now().Add(24*time.Hour), *secrets[0].EndsAt, time.Minute, "for deliveries under way")
			require.Nil(t, secrets[1].EndsAt)
			require.Empty(t, w.check().Faults)
			require.Len(t, w.standin.Webhooks(), 2)
		})
	}
}

func TestARepairThatWasCutOffMakesNoSecondWebhook(t *testing.T) {
	w := newWatch(t, standin.Options{})
	gone := w.register(hookURL, "order.created")
	require.NoError(t, w.Platform.DeleteWebhook(t.Context(), gone))
	off := false
	unfinished := func() platform.Webhook {
		made, err := w.Platform.CreateWebhook(t.Context(), platform.NewWebhook{URL: hookURL, Events: []string{"order.created"}, IsActive: &off,
			Metadata: webhooks.Tag{Owner: "inorder watchdog", Replaces: gone}.Metadata()})
		require.NoError(t, err)
		return made
	}

	// After the create: what was shown of the secret is lost.
	lost := unfinished()
	check := w.check()
	require.Empty(t, check.Open())
	require.Len(t, w.standin.Webhooks(), 1)
	require.NotEqual(t, lost.ID, w.standin.Webhooks()[0].ID)

	// After it was recorded.
	gone = w.standin.Webhooks()[0].ID
	require.NoError(t, w.Platform.DeleteWebhook(t.Context(), gone))
	made := unfinished()
	require.NoError(t, w.Webhooks.Add(t.Context(), webhooks.Record{ID: made.ID, URL: hookURL, Events: made.Events, Mode: platform.Test, IsActive: true}, made.Secret))
	require.Empty(t, w.check().Open())
	require.Len(t, w.standin.Webhooks(), 1)
	require.True(t, w.hook(made.ID).IsActive)
	left, err := w.Webhooks.List(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, made.ID, left[0].ID)
}

func TestOfTwoAlikeThatAreGoneOneComesBack(t *testing.T) {
	w := newWatch(t, standin.Options{})
	for range 2 {
		require.NoError(t, w.Platform.DeleteWebhook(t.Context(), w.register(hookURL, "order.created")))
	}
	require.Empty(t, w.check().Open())
	require.Len(t, w.standin.Webhooks(), 1)
	require.Empty(t, w.check().Faults)
}

func TestARepairThatFailsIsTold(t *testing.T) {
	w := newWatch(t, standin.Options{})
	id := w.register(hookURL, "order.created")
	require.NoError(t, w.standin.Deactivate(id))
	refuse := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.standin.ServeHTTP(rw, r)
			return
		}
		rw.WriteHeader(http.StatusForbidden)
	})
	api := httptest.NewServer(refuse)
	defer api.Close()
	w.url = api.URL + "/v1"
	w.Platform = w.client(standin.DefaultKey)
	check := w.check()
	require.Len(t, check.Open(), 1)
	require.Contains(t, check.Faults[0].Text, "repairing it failed")
	require.Contains(t, check.Faults[0].Text, "403")
	require.EqualValues(t, 1, w.gauge(id, "inactive"))
}

func TestCheckSubscriptionWatchesOnlyWhatItShould(t *testing.T) {
	w := newWatch(t, standin.Options{})
	check := w.check()
	require.Zero(t, check.Checked)
	require.Contains(t, check.Note, "inorder hooks register")

	add := func(id, owner string, active bool, mode platform.Mode) { // as older versions did, two modes beside each other
		require.NoError(t, w.Webhooks.Update(t.Context(), webhooks.Record{ID: id, URL: hookURL, Events: []string{"*"}, Mode: mode, Owner: owner, IsActive: active}))
	}
	add("wh_listen", "me@here/dev/1", true, platform.Test)
	add("wh_disabled", "", false, platform.Test)
	require.Zero(t, w.check().Checked)
	add("wh_live", "", true, platform.Live)
	w.requests = nil
	check = w.check()
	require.Equal(t, []string{"other_mode"}, problems(check, "wh_live"))
	require.Contains(t, check.Faults[0].Text, "live mode")
	require.Len(t, check.Open(), 1, "not repaired: the key cannot see it")
	require.Empty(t, w.requests)
}

func TestAWebhookThatCannotBeReadIsAProblemOfItsOwn(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"refused":         func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(422) },
		"of another kind": func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(`{"id":"x","events":"*"}`)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatch(t, standin.Options{})
			bad, gone := w.register(hookURL, "*"), w.register("https://other.example.com/", "*")
			require.NoError(t, w.Platform.DeleteWebhook(t.Context(), gone))
			var changed atomic.Int32
			api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case !strings.HasSuffix(r.URL.Path, bad):
					w.standin.ServeHTTP(rw, r)
				case r.Method != http.MethodGet:
					changed.Add(1)
				default:
					answer(rw, r)
				}
			}))
			t.Cleanup(api.Close)
			w.url = api.URL + "/v1"
			w.Platform = w.client(standin.DefaultKey)
			check := w.check()
			require.Equal(t, []string{"unreadable"}, problems(check, bad))
			require.Len(t, check.Open(), 1, "the other one is looked at, and repaired")
			require.EqualValues(t, 1, w.gauge(bad, "unreadable"))
			require.Zero(t, changed.Load(), "nobody changes what he cannot see")
		})
	}
}

func TestCheckSubscriptionWithoutAccess(t *testing.T) {
	t.Run("without a key", func(t *testing.T) {
		w := newWatch(t, standin.Options{})
		w.register(hookURL, "*")
		w.Platform = nil
		check := w.check()
		require.Contains(t, check.Note, "HEADLESS_COMMERCE_API_KEY is not set")
		require.Zero(t, check.CheckedAt)
	})
	t.Run("with one that the platform does not know: one call, and it is visible", func(t *testing.T) {
		w := newWatch(t, standin.Options{})
		id := w.register(hookURL, "*")
		w.register(hookURL+"/2", "*")
		w.Platform = w.client("sk_test_other")
		w.requests = nil
		check := w.check()
		require.Equal(t, []string{"no_access"}, problems(check, ""))
		require.Contains(t, check.Faults[0].Text, "check HEADLESS_COMMERCE_API_KEY")
		require.Len(t, w.requests, 1)
		require.EqualValues(t, 1, w.gauge("", "no_access"))
		require.Zero(t, w.gauge(id, "missing"))
		w.Platform = w.client(standin.DefaultKey)
		w.check()
		require.Zero(t, w.gauge("", "no_access"))
	})
	t.Run("while the platform is away it is an error, to be tried again", func(t *testing.T) {
		w := newWatch(t, standin.Options{})
		w.register(hookURL, "*")
		require.NoError(t, w.standin.SetFaults(standin.Faults{ServerError: standin.Fault{Next: 1}}))
		_, err := w.run()
		require.ErrorContains(t, err, "500")
		require.Empty(t, w.check().Faults)
	})
}

func TestAReplacementIsActivatedWhenItsSecretIsRecorded(t *testing.T) {
	w := newWatch(t, standin.Options{})
	gone := w.register(hookURL, "*")
	require.NoError(t, w.Platform.DeleteWebhook(t.Context(), gone))
	activated := false
	w.before = func(r *http.Request) {
		if r.Method != http.MethodPatch {
			return
		}
		activated = true
		secrets, err := w.Webhooks.Secrets().List(t.Context())
		if err != nil || len(secrets) != 2 || w.standin.Webhooks()[0].IsActive {
			t.Error("activated before its secret is recorded", err)
		}
	}
	require.Empty(t, w.check().Open())
	require.True(t, activated)
}
