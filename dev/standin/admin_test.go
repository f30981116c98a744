package standin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

const create = `{"url":"https://shop.example.com/webhooks/hc","events":["order.created"]}`

func TestKeys(t *testing.T) {
	s := open(t, standin.Options{Keys: []string{"sk_test_a", "sk_live_a", "pk_test_a"}})
	for key, want := range map[string]struct {
		status int
		code   any
	}{
		"sk_test_a": {200, nil}, "sk_live_a": {200, nil},
		"sk_test_b": {401, "INVALID_API_KEY"}, "": {401, "MISSING_API_KEY"}, "pk_test_a": {403, "PERMISSION_DENIED"},
	} {
		s.key = key
		status, v := s.call("GET", "/v1/admin/webhooks", "")
		require.Equal(t, want.status, status, key)
		if e, refused := v["error"].(map[string]any); refused {
			require.Equal(t, want.code, e["code"])
			require.NotEmpty(t, e["type"])
			require.NotEmpty(t, e["message"])
		}
	}
}

func TestWebhooksAreChecked(t *testing.T) {
	s := open(t, standin.Options{})
	for name, body := range map[string]string{
		"no JSON": `{`, "no URL": `{"events":["*"]}`, "no events": `{"url":"https://a.example.com"}`, "none at all": `{"url":"https://a.example.com","events":[]}`,
		"not HTTPS": `{"url":"http://a.example.com","events":["*"]}`, "no host": `{"url":"https:///x","events":["*"]}`,
		"unknown": `{"url":"https://a.example.com","events":["order.eaten"]}`, "a family": `{"url":"https://a.example.com","events":["order.*"]}`,
	} {
		status, v := s.call("POST", "/v1/admin/webhooks", body)
		require.Equal(t, http.StatusBadRequest, status, name)
		require.Equal(t, "VALIDATION_ERROR", v["error"].(map[string]any)["code"])
	}
	require.Zero(t, s.Stats().Webhooks)
}

func TestTheSecretIsShownOnce(t *testing.T) {
	s := open(t, standin.Options{})
	_, made := s.call("POST", "/v1/admin/webhooks", create)
	require.Regexp(t, `^whsec_[0-9a-f]{32}$`, made["secret"])
	_, got := s.call("GET", "/v1/admin/webhooks/"+made["id"].(string), "")
	require.Contains(t, got, "secret")
	require.Nil(t, got["secret"])
	_, list := s.call("GET", "/v1/admin/webhooks", "")
	raw, _ := json.Marshal(list)
	require.NotContains(t, string(raw), "whsec_")
}

func TestIdempotency(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	s := open(t, standin.Options{Keys: []string{"sk_test_a", "sk_test_b"}, Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	s.key = "sk_test_a"
	post := func(body string) (int, string) {
		status, v := s.call("POST", "/v1/admin/webhooks", body, "Idempotency-Key", "k1")
		id, _ := v["id"].(string)
		return status, id
	}
	status, _ := post(`{}`)
	require.Equal(t, 400, status)
	status, first := post(create)
	require.Equal(t, 201, status, "a failure is not kept")
	_, again := post(`{"url":"https://other.example.com","events":["*"]}`)
	require.Equal(t, first, again, "whatever the body")
	s.key = "sk_test_b"
	_, other := post(create)
	require.NotEqual(t, first, other, "scoped to the API key")
	s.key = "sk_test_a"

	mu.Lock()
	now = now.Add(24 * time.Hour)
	mu.Unlock()
	_, later := post(create)
	require.NotEqual(t, first, later, "for a day")

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { s.call("POST", "/v1/admin/webhooks", create, "Idempotency-Key", "k2") })
	}
	wg.Wait()
	require.Equal(t, 4, s.Stats().Webhooks, "also at the same time")
}

func TestPages(t *testing.T) {
	s := open(t, standin.Options{})
	s.place(standin.Placement{Count: 23})
	_, page := s.call("GET", "/v1/admin/orders", "")
	require.Len(t, page["data"], 20)
	require.Equal(t, true, page["has_more"])
	require.EqualValues(t, 23, page["total_count"])
	s.place(standin.Placement{Count: 2})
	_, page = s.call("GET", "/v1/admin/orders?limit=3&starting_after="+page["next_cursor"].(string), "")
	require.Len(t, page["data"], 3, "what is new does not move the pages")
	require.Equal(t, false, page["has_more"])
	require.Nil(t, page["next_cursor"])
	_, page = s.call("GET", "/v1/admin/orders?status=completed", "")
	require.Equal(t, []any{}, page["data"])
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "starting_after=ord_none", "created_after=yesterday"} {
		status, _ := s.call("GET", "/v1/admin/orders?"+query, "")
		require.Equal(t, http.StatusBadRequest, status, query)
	}
	_, page = s.call("GET", "/v1/admin/webhooks", "")
	require.NotContains(t, page, "total_count")
}

func TestADeletedWebhookIsStillACursor(t *testing.T) {
	s := open(t, standin.Options{})
	var ids []string
	for range 3 {
		_, w := s.call("POST", "/v1/admin/webhooks", create)
		ids = append(ids, w["id"].(string))
	}
	_, page := s.call("GET", "/v1/admin/webhooks?limit=2", "")
	require.Equal(t, ids[1], page["next_cursor"])
	s.call("DELETE", "/v1/admin/webhooks/"+ids[1], "")
	_, page = s.call("GET", "/v1/admin/webhooks?limit=2&starting_after="+ids[1], "")
	require.Len(t, page["data"], 1)
}

func TestOrdersTellTheTruth(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	s := open(t, standin.Options{Now: func() time.Time { return now }})
	order := s.place(standin.Placement{Actions: []string{"pay", "process", "ship"}})[0]
	req, _ := http.NewRequest("GET", s.url+"/v1/admin/orders/"+order.ID, nil)
	req.Header.Set("Authorization", "Bearer "+s.key)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, "Fri, 02 Jan 2026 03:04:05 GMT", res.Header.Get("Date"))
	var got standin.Order
	require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
	require.Equal(t, s.Orders()[0], got)
	require.Equal(t, []string{"processing", "paid", "fulfilled"}, []string{got.Status, got.PaymentStatus, got.FulfillmentStatus})
	require.Equal(t, got.Total.Amount, got.Subtotal.Amount+got.ShippingTotal.Amount)
}

func TestWhatAnOrderDoesNotAllow(t *testing.T) {
	s := open(t, standin.Options{})
	for _, tc := range [][]string{{"ship"}, {"process"}, {"refund"}, {"deliver"}, {"complete"}, {"request_return"}, {"complete_return"}, {"pay", "pay"}, {"pay", "refund", "refund"}, {"cancel", "pay"}, {"cancel", "cancel"}} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			order := s.place(standin.Placement{Actions: tc[:len(tc)-1]})[0]
			status, v := s.call("POST", "/_standin/orders/"+order.ID+"/"+tc[len(tc)-1], "")
			require.Equal(t, http.StatusConflict, status)
			require.Equal(t, "INVALID_STATE_TRANSITION", v["error"].(map[string]any)["code"])
		})
	}
	_, err := s.Advance("ord_none", "pay")
	require.ErrorContains(t, err, "RESOURCE_NOT_FOUND")
	_, err = s.Place(standin.Placement{Actions: []string{"eat"}})
	require.ErrorContains(t, err, "complete_return, deliver", "it names what there is")
}
