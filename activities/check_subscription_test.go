package activities_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
)

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

func TestCheckSubscriptionWatchesOnlyWhatItShould(t *testing.T) {
	w := newWatch(t, standin.Options{})
	check := w.check()
	require.Zero(t, check.Checked)
	require.Contains(t, check.Note, "inorder hooks register")

	add := func(id, owner string, active bool, mode platform.Mode) { // as older versions did, with two modes side by side
		_, err := w.pool.Exec(t.Context(), `INSERT INTO webhook_endpoints (id, url, events, mode, owner, is_active) VALUES ($1, $2, '{*}', $3, $4, $5)`, id, hookURL, mode, owner, active)
		require.NoError(t, err)
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
	t.Parallel()
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
