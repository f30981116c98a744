package webhooks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/platform"
	"inorder/internal/webhooks"
)

func TestUpdateIsRecorded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.register()
	const moved = "https://new.example.com/webhooks/hc"
	_, err := r.Update(t.Context(), e.ID, moved, nil)
	require.NoError(t, err)
	_, err = r.Update(t.Context(), e.ID, "", []string{"*"})
	require.NoError(t, err)
	_, err = r.SetActive(t.Context(), e.ID, false)
	require.NoError(t, err)
	w := r.at(moved)[0]
	require.Empty(t, w.Faults())
	require.Equal(t, []string{"*"}, w.Record.Events)
	require.False(t, w.Record.IsActive)

	t.Run("unless the platform refuses it", func(t *testing.T) {
		_, err := r.Update(t.Context(), e.ID, "", []string{"order.none"})
		require.ErrorContains(t, err, "Unknown event type: order.none")
		require.Equal(t, []string{"*"}, r.at(moved)[0].Record.Events)
	})
	t.Run("unless the record was deleted meanwhile", func(t *testing.T) {
		other := r.register()
		require.NoError(t, r.Store.Remove(t.Context(), other.ID, time.Now()))
		recorded, err := r.Store.Update(t.Context(), other)
		require.NoError(t, err)
		require.False(t, recorded)
		list, err := r.Store.List(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
	t.Run("of a foreign one, and no record is made", func(t *testing.T) {
		id := r.foreign(foreign, true)
		_, err := r.SetActive(t.Context(), id, false)
		require.NoError(t, err)
		require.Nil(t, r.at(foreign)[0].Record)
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	t.Run("lets the secret end later", func(t *testing.T) {
		e := r.register()
		existed, err := r.Delete(t.Context(), e.ID, time.Hour, false)
		require.NoError(t, err)
		require.True(t, existed)
		require.Empty(t, r.all())
		require.WithinDuration(t, time.Now().Add(time.Hour), *r.secrets()[0].EndsAt, time.Minute)
	})
	t.Run("cleans up after somebody else did", func(t *testing.T) {
		e := r.register()
		require.NoError(t, r.Platform.DeleteWebhook(t.Context(), e.ID))
		require.True(t, r.all()[0].Gone)
		for _, call := range []func() error{
			func() error { _, err := r.SetActive(t.Context(), e.ID, true); return err },
			func() error { _, err := r.Test(t.Context(), e.ID, "order.created"); return err },
			func() error { _, err := r.Rotate(t.Context(), e.ID, webhooks.Rotation{}); return err },
		} {
			require.ErrorContains(t, call(), "was deleted on the platform by somebody else: `inorder hooks delete "+e.ID+"`")
		}
		existed, err := r.Delete(t.Context(), e.ID, time.Hour, false)
		require.NoError(t, err)
		require.False(t, existed)
		require.Empty(t, r.all())
	})
	t.Run("of a foreign one only by force", func(t *testing.T) {
		id := r.foreign(foreign, true)
		_, err := r.Delete(t.Context(), id, 0, false)
		require.ErrorContains(t, err, "--force")
		require.Len(t, r.at(foreign), 1)
		_, err = r.Delete(t.Context(), id, 0, true)
		require.NoError(t, err)
		require.Empty(t, r.at(foreign))
	})
	t.Run("of none", func(t *testing.T) {
		_, err := r.Delete(t.Context(), "wh_none", 0, false)
		require.ErrorContains(t, err, "there is no webhook wh_none in test mode")
	})
	t.Run("of the other mode", func(t *testing.T) {
		require.NoError(t, r.Store.Add(t.Context(), webhooks.Record{ID: "wh_live", URL: url, Events: []string{"*"}, Mode: platform.Live}, "whsec_x"))
		_, err := r.Delete(t.Context(), "wh_live", 0, true)
		require.ErrorContains(t, err, "is of live mode, and HEADLESS_COMMERCE_API_KEY is a test-mode key")
	})
}

func TestListReadsAllPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 130 {
		r.foreign(foreign, false)
	}
	e := r.register()
	list := r.all()
	require.Len(t, list, 131)
	var ours []string
	for _, w := range list {
		if w.Record != nil {
			ours = append(ours, w.ID)
		}
	}
	require.Equal(t, []string{e.ID}, ours)
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://shop.example.com":           "https://shop.example.com/webhooks/hc",
		"https://shop.example.com/":          "https://shop.example.com/webhooks/hc",
		"https://shop.example.com/hooks?a=b": "https://shop.example.com/hooks?a=b",
		"http://127.0.0.1:3003":              "http://127.0.0.1:3003/webhooks/hc",
		"http://localhost:3003/x":            "http://localhost:3003/x",
		"http://[::1]:3003":                  "http://[::1]:3003/webhooks/hc",
	} {
		got, err := webhooks.CheckURL(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, why := range map[string]string{
		"http://shop.example.com":            "is not https",
		"ftp://shop.example.com":             "is not https",
		"shop.example.com":                   "is not a URL",
		"https://":                           "is not a URL",
		"https://shop.example.com/#x":        "is not a URL",
		"https://u:hunter2@shop.example.com": "with a user",
	} {
		_, err := webhooks.CheckURL(text)
		require.ErrorContains(t, err, why, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestCheckEvents(t *testing.T) {
	t.Parallel()
	require.NoError(t, webhooks.CheckEvents([]string{"*"}))
	require.NoError(t, webhooks.CheckEvents(webhooks.OrderEvents()))
	require.NotContains(t, webhooks.OrderEvents(), "product.created")
	require.Contains(t, webhooks.OrderEvents(), "return.completed")
	for event, says := range map[string]string{
		"order.payed":  "did you mean order.paid?",
		"order_paid":   "did you mean order.paid?",
		"Order.Paid":   "did you mean order.paid?",
		"order.*":      "it is not documented that the platform accepts a whole family",
		"weather.rain": "is not an event that the platform is known to have; `inorder send --list`",
		"":             "is not an event",
	} {
		require.ErrorContains(t, webhooks.CheckEvents([]string{"order.created", event}), says, event)
	}
	require.Error(t, webhooks.CheckEvents(nil))
}
