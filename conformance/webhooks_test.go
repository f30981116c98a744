package conformance

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

const hookURL = "https://shop.example.com/webhooks/hc"

type webhook struct {
	ID       string         `json:"id"`
	URL      string         `json:"url"`
	Events   []string       `json:"events"`
	IsActive bool           `json:"is_active"`
	Secret   *string        `json:"secret"`
	Metadata map[string]any `json:"metadata"`
}

func hook(events ...string) map[string]any { return map[string]any{"url": hookURL, "events": events} }

func TestWebhooksFromCreateToDelete(t *testing.T) {
	r := newRig(t, standin.Options{})
	made := call[webhook](r, "webhooks.adminCreate", hook("order.created", "payment.completed"))
	require.Equal(t, hookURL, made.URL)
	require.Equal(t, []string{"order.created", "payment.completed"}, made.Events)
	require.True(t, made.IsActive)
	require.Regexp(t, `^whsec_`, *made.Secret)

	got := call[webhook](r, "webhooks.adminGet", made.ID)
	require.Nil(t, got.Secret, "shown once")
	require.Equal(t, made.Events, got.Events)

	got = call[webhook](r, "webhooks.adminUpdate", made.ID, map[string]any{"is_active": false, "metadata": map[string]any{"team": "a"}})
	require.False(t, got.IsActive)
	require.Equal(t, map[string]any{"team": "a"}, got.Metadata)
	require.Equal(t, hookURL, got.URL, "what is not named stays")
	got = call[webhook](r, "webhooks.adminUpdate", made.ID, map[string]any{"url": hookURL + "/2", "events": []string{"*"}})
	require.Equal(t, hookURL+"/2", got.URL)
	require.Equal(t, []string{"*"}, got.Events)

	deleted := call[map[string]any](r, "webhooks.adminDelete", made.ID)
	require.Equal(t, map[string]any{"id": made.ID, "deleted": true}, deleted)
	require.True(t, r.try("webhooks.adminGet", made.ID).Error.IsNotFound)
}

func TestAWebhookThatBeginsInactive(t *testing.T) {
	r := newRig(t, standin.Options{})
	in := hook("*")
	in["is_active"], in["metadata"] = false, map[string]any{"owner": "inorder"}
	made := call[webhook](r, "webhooks.adminCreate", in)
	require.False(t, made.IsActive)
	require.Equal(t, map[string]any{"owner": "inorder"}, made.Metadata)
}

func TestADeleteThatIsAnsweredWithoutContent(t *testing.T) {
	r := newRig(t, standin.Options{DeleteSaysNone: true})
	made := call[webhook](r, "webhooks.adminCreate", hook("*"))
	require.Nil(t, r.try("webhooks.adminDelete", made.ID).Value)
}

func TestPagesOfWebhooks(t *testing.T) {
	r := newRig(t, standin.Options{})
	var made []string
	for range 7 {
		made = append(made, call[webhook](r, "webhooks.adminCreate", hook("*")).ID)
	}
	slices.Reverse(made)
	page := call[struct {
		Data       []webhook `json:"data"`
		HasMore    bool      `json:"has_more"`
		NextCursor string    `json:"next_cursor"`
	}](r, "webhooks.adminList", map[string]any{"limit": 3})
	require.Len(t, page.Data, 3)
	require.True(t, page.HasMore)
	require.Equal(t, made[2], page.NextCursor)

	var all []string
	for _, w := range call[[]webhook](r, "webhooks.adminListAutoPaginate", map[string]any{"limit": 3}) {
		all = append(all, w.ID)
	}
	require.Equal(t, made, all)
}

func TestTheSDKsTestDelivery(t *testing.T) {
	r := newRig(t, standin.Options{})
	status := http.StatusOK
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer endpoint.Close()
	made := call[webhook](r, "webhooks.adminCreate", map[string]any{"url": endpoint.URL, "events": []string{"order.created"}})
	for _, status = range []int{http.StatusOK, http.StatusTeapot} {
		result := call[map[string]any](r, "webhooks.adminTest", made.ID)
		require.Equal(t, status == http.StatusOK, result["success"])
		require.EqualValues(t, status, result["status_code"])
	}
}

// The SDK's method takes no idempotency key, so the test makes the request that this method makes.
func TestAnIdempotencyKeyMakesOneWebhook(t *testing.T) {
	r := newRig(t, standin.Options{})
	create := func(key string) string {
		return call[webhook](r, "request", "POST", "/admin/webhooks", hook("*"), map[string]any{"idempotencyKey": key}).ID
	}
	first := create("5f0c8a52-7f1e-4a40-9d7f-5b1f3b0c9a11")
	require.Equal(t, first, create("5f0c8a52-7f1e-4a40-9d7f-5b1f3b0c9a11"))
	require.NotEqual(t, first, create("5f0c8a52-7f1e-4a40-9d7f-5b1f3b0c9a12"))

	r.faults(standin.Faults{Lose: standin.Fault{Next: 1}})
	options := map[string]any{"idempotencyKey": "5f0c8a52-7f1e-4a40-9d7f-5b1f3b0c9a13"}
	require.Equal(t, "NETWORK_ERROR", r.try("request", "POST", "/admin/webhooks", hook("*"), options).Error.Code)
	call[json.RawMessage](r, "request", "POST", "/admin/webhooks", hook("*"), options)
	require.Equal(t, 3, r.Stats().Webhooks, "one whose answer was lost, and its repetition, are one")
}
