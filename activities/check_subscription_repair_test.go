package activities_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
)

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
	t.Parallel()
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
	t.Parallel()
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

	// Cut off after the create: the secret, which is shown only once, is lost.
	lost := unfinished()
	check := w.check()
	require.Empty(t, check.Open())
	require.Len(t, w.standin.Webhooks(), 1)
	require.NotEqual(t, lost.ID, w.standin.Webhooks()[0].ID)

	// Cut off after the webhook was recorded.
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
	t.Parallel()
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

func TestAReplacementIsActivatedWhenItsSecretIsRecorded(t *testing.T) {
	t.Parallel()
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
