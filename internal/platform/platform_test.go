package platform_test

import (
	"context"
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
	"inorder/internal/platform"
)

const (
	testKey = "sk_test_standin"
	liveKey = "sk_live_standin"
)

// rig is a stand-in, a client of it whose pauses cost no time, and the pauses and requests that were seen.
type rig struct {
	*platform.Client
	platform *standin.Server
	url      string

	mu     sync.Mutex
	pauses []time.Duration
	seen   []*http.Request
}

func newRig(t *testing.T, change ...func(*platform.Options)) *rig {
	r := &rig{platform: standin.New(standin.Options{Keys: []string{testKey, liveKey}})}
	t.Cleanup(r.platform.Close)
	r.serve(t, r.platform, change...)
	return r
}

// serve makes a client of any handler.
func (r *rig) serve(t *testing.T, h http.Handler, change ...func(*platform.Options)) {
	r.url = testenv.API(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.seen = append(r.seen, req)
		r.mu.Unlock()
		h.ServeHTTP(w, req)
	}))
	noPause := func(o *platform.Options) {
		o.Sleep = func(_ context.Context, d time.Duration) error {
			r.pauses = append(r.pauses, d)
			return nil
		}
	}
	r.Client = testenv.Platform(t, r.url, testKey, append([]func(*platform.Options){noPause}, change...)...)
}

func (r *rig) requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

func (r *rig) faults(t *testing.T, f standin.Faults) { require.NoError(t, r.platform.SetFaults(f)) }

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

var ours = platform.NewWebhook{URL: "https://shop.example.com/webhooks/hc", Events: []string{"order.created", "order.paid"}}

func TestWebhookFromCreateToDelete(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	made, err := r.CreateWebhook(ctx, platform.NewWebhook{URL: ours.URL, Events: ours.Events, Metadata: map[string]any{"owner": "inorder"}})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(made.Secret), "whsec_"))
	require.True(t, made.IsActive)

	got, err := r.GetWebhook(ctx, made.ID)
	require.NoError(t, err)
	require.Equal(t, ours.Events, got.Events)
	require.JSONEq(t, `{"owner":"inorder"}`, string(got.Metadata))
	require.Empty(t, got.Secret, "shown at its creation only")

	off := false
	got, err = r.UpdateWebhook(ctx, made.ID, platform.WebhookUpdate{IsActive: &off})
	require.NoError(t, err)
	require.False(t, got.IsActive)
	require.Equal(t, ours.URL, got.URL, "what is not named stays")

	require.NoError(t, r.DeleteWebhook(ctx, made.ID))
	require.True(t, platform.IsNotFound(r.DeleteWebhook(ctx, made.ID)))
}

func TestDeleteAnsweredWithoutContent(t *testing.T) {
	r := &rig{}
	r.serve(t, answering(http.StatusNoContent, ""))
	require.NoError(t, r.DeleteWebhook(t.Context(), "wh_1"))
}

func TestTestDelivery(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	var body string
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body = req.Header.Get("X-Webhook-Signature")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer endpoint.Close()
	w, err := r.CreateWebhook(ctx, platform.NewWebhook{URL: endpoint.URL, Events: []string{"*"}})
	require.NoError(t, err)
	result, err := r.TestWebhook(ctx, w.ID, "order.created")
	require.NoError(t, err, "an endpoint that refuses is a result")
	require.False(t, result.Success)
	require.Equal(t, http.StatusTeapot, result.StatusCode)
	require.Len(t, body, 64)
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, o := range map[string]platform.Options{
		"no key":            {},
		"a publishable key": {APIKey: "pk_test_abcdef"},
		"a key in quotes":   {APIKey: `"sk_test_abcdef"`},
		"a line break":      {APIKey: "sk_test_abcdef\n"},
		"no URL":            {APIKey: testKey, BaseURL: "platform"},
		"another scheme":    {APIKey: testKey, BaseURL: "ftp://platform.example.com/v1"},
		"a user in the URL": {APIKey: testKey, BaseURL: "https://me:abcdef@platform.example.com/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := platform.New(o)
			require.ErrorContains(t, err, "HEADLESS_COMMERCE_API_")
			require.NotContains(t, err.Error(), "abcdef")
		})
	}
	c, err := platform.New(platform.Options{APIKey: liveKey})
	require.NoError(t, err)
	require.Equal(t, platform.Live, c.Mode())
	require.Equal(t, "https://api.headlesscommerce.io/v1 (live mode)", c.String())
}
