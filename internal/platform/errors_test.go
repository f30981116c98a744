package platform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/platform"
)

func TestErrorsCarryWhatThePlatformSaid(t *testing.T) {
	r := newRig(t)
	_, err := r.GetWebhook(t.Context(), "wh_none")
	var e *platform.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, platform.Error{Status: 404, Type: "not_found", Code: "RESOURCE_NOT_FOUND", Message: "Webhook not found",
		Details: json.RawMessage(`{"id":"wh_none","resource":"Webhook"}`), Mode: platform.Test}, *e)
	require.EqualError(t, err, "platform: GET /admin/webhooks/wh_none: 404 not_found RESOURCE_NOT_FOUND: Webhook not found (looked for in test mode)")

	_, err = r.CreateWebhook(t.Context(), platform.NewWebhook{URL: "http://shop.example.com/", Events: []string{"*"}})
	require.ErrorAs(t, err, &e)
	require.Equal(t, 400, e.Status)
	require.Equal(t, "VALIDATION_ERROR", e.Code)
}

func TestErrorsOfTheKey(t *testing.T) {
	t.Run("unknown to the platform", func(t *testing.T) {
		r := newRig(t, func(o *platform.Options) { o.APIKey = "sk_test_nobody" })
		_, err := r.ListWebhooks(t.Context(), platform.ListOptions{})
		require.True(t, platform.IsUnauthorized(err))
		require.ErrorContains(t, err, "check HEADLESS_COMMERCE_API_KEY")
		require.NotContains(t, err.Error(), "nobody")
	})
	t.Run("of the other mode", func(t *testing.T) {
		r := newRig(t)
		made, err := r.CreateWebhook(t.Context(), ours)
		require.NoError(t, err)
		live, err := platform.New(platform.Options{APIKey: liveKey, BaseURL: r.url})
		require.NoError(t, err)
		_, err = live.GetWebhook(t.Context(), made.ID)
		require.True(t, platform.IsNotFound(err))
		require.ErrorContains(t, err, "looked for in live mode")
	})
	t.Run("not allowed", func(t *testing.T) {
		r := &rig{}
		r.serve(t, answering(403, `{"error":{"type":"permission_error","code":"X","message":"No"}}`))
		require.True(t, platform.IsUnauthorized(r.DeleteWebhook(t.Context(), "wh_1")))
	})
}

func TestAnswersThatAreNotThePlatforms(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		body, want string
	}{
		"a proxy's page":       {403, "<html>no</html>", "403 Forbidden"},
		"an error that is not": {400, `{"error":"bad"}`, "400 Bad Request"},
		"a page with 200":      {200, "<html>", "HEADLESS_COMMERCE_API_URL"},
		"nothing with 200":     {200, "", "HEADLESS_COMMERCE_API_URL"},
		"a redirect":           {302, "", "redirects are not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rig{}
			r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				answering(tc.status, tc.body)(w, req)
			}))
			_, err := r.GetOrder(t.Context(), "ord_1")
			require.ErrorContains(t, err, tc.want)
			require.Len(t, r.requests(), 1)
		})
	}
}

func TestAnErrorIsOneLine(t *testing.T) {
	r := &rig{}
	r.serve(t, answering(400, `{"error":{"type":"x","code":"y\n","message":"no\n\nGET 200 OK\r\nall is well"}}`))
	_, err := r.GetOrder(t.Context(), "ord_1")
	require.EqualError(t, err, "platform: GET /admin/orders/ord_1: 400 x y: no GET 200 OK all is well")
}

func TestAnIDIsOnePathSegment(t *testing.T) {
	r := newRig(t)
	_, err := r.GetOrder(t.Context(), "../webhooks/wh_1?limit=1")
	require.True(t, platform.IsNotFound(err))
	require.Equal(t, "/v1/admin/orders/..%2Fwebhooks%2Fwh_1%3Flimit=1", r.requests()[0].URL.EscapedPath())

	_, err = r.GetOrder(t.Context(), "")
	require.ErrorContains(t, err, "the ID is empty")
	require.ErrorContains(t, r.DeleteWebhook(t.Context(), ""), "the ID is empty")
	_, err = r.TestWebhook(t.Context(), "", "order.paid")
	require.ErrorContains(t, err, "the ID is empty")
	require.Len(t, r.requests(), 1)
}

// printed returns a value in every form in which a program may print it.
func printed(v any) (texts []string) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		texts = append(texts, fmt.Sprintf(verb, v))
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	raw, _ := json.Marshal(v)
	return append(texts, log.String(), string(raw))
}

func TestSecretsNeverShow(t *testing.T) {
	const secret = "sk_test_Zq8vLw3nT0"
	options := platform.Options{APIKey: secret, MaxRetries: -1}
	var texts []string
	note := func(v any) { texts = append(texts, printed(v)...) }

	for name, h := range map[string]http.HandlerFunc{
		"repeated in words":   answering(401, `{"error":{"type":"a","code":"b","message":"no key `+secret+`","details":{"key":"`+secret+`"}}}`),
		"repeated in nothing": answering(500, secret),
		"repeated with 200":   answering(200, secret),
		"cut off":             func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"echoed": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error":{"message":"`+r.Header.Get("Authorization")+`"}}`)
		},
	} {
		r := &rig{}
		r.serve(t, h, func(o *platform.Options) { o.APIKey, o.MaxRetries = secret, -1 })
		_, err := r.GetOrder(t.Context(), "ord_1")
		require.Error(t, err, name)
		note(err)
		note(r.Client)
		note(struct{ C *platform.Client }{r.Client})
	}
	options.BaseURL = "http://127.0.0.1:1" // nobody listens there
	c, err := platform.New(options)
	require.NoError(t, err)
	for _, err := range c.Orders(t.Context(), platform.OrderFilter{Query: "buyer@example.com"}) {
		require.ErrorContains(t, err, "no answer from the platform")
		require.NotContains(t, err.Error(), "buyer@", "a query may name a person")
		note(err)
	}
	note(options)
	note(platform.Webhook{Secret: secret})
	note(platform.Secret("whsec_Zq8vLw3nT0"))

	hidden := fmt.Sprintf("%x", secret)
	for _, text := range texts {
		require.NotContains(t, text, "Zq8vLw3nT0")
		require.NotContains(t, text, hidden)
	}
	require.Contains(t, strings.Join(texts, "\n"), "sk_test_…")
}
