package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/delivery"
)

// fakeReceiver answers as the receiver does, and keeps what was delivered.
type fakeReceiver struct {
	mu         sync.Mutex
	deliveries []*http.Request
	bodies     []string
	seen       map[string]bool
}

func (f *fakeReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	f.deliveries, f.bodies = append(f.deliveries, r), append(f.bodies, string(body))
	if r.Method != http.MethodPost || r.URL.Path != delivery.Path {
		http.NotFound(w, r)
		return
	}
	if !delivery.Verify("whsec_first", body, r.Header.Get(delivery.SignatureHeader)) {
		http.Error(w, "Invalid signature", http.StatusUnauthorized)
		return
	}
	e, err := inorder.ParseEvent(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set(delivery.ResultHeader, map[bool]string{false: "accepted", true: "duplicate"}[f.seen[e.ID]])
	f.seen[e.ID] = true
}

func (f *fakeReceiver) event(t *testing.T, i int) inorder.Event {
	e, err := inorder.ParseEvent([]byte(f.bodies[i]))
	require.NoError(t, err)
	return e
}

func newFake(t *testing.T) *fakeReceiver {
	f := &fakeReceiver{seen: map[string]bool{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	clean(t, "WEBHOOK_SECRETS", "whsec_first,whsec_second", "RECEIVER_URL", server.URL)
	return f
}

func sendEvents(t *testing.T, args ...string) (out, errs string, code int) {
	return program(t.Context(), append([]string{"send"}, args...)...)
}

func TestSendSignsAnEventAsAsked(t *testing.T) {
	f := newFake(t)
	out, errs, code := sendEvents(t, "order.created", "--order", "order_1", "--id", "evt_1", "--at", "2026-01-15T10:30:00Z",
		"--data", "status=draft", "--data", `total={"amount":9007199254740993,"currency":"KRW"}`, "--data", "email=null")
	require.Zero(t, code, errs)
	require.Contains(t, out, "200 accepted")

	e := f.event(t, 0)
	require.Equal(t, "evt_1", e.ID)
	require.Equal(t, "order.created", e.Type)
	require.Equal(t, "order_1", e.OrderID())
	require.Equal(t, "2026-01-15T10:30:00Z", e.OccurredAt.Format(time.RFC3339))
	require.Equal(t, "evt_1", f.deliveries[0].Header.Get("Idempotency-Key"))
	require.Equal(t, "application/json", f.deliveries[0].Header.Get("Content-Type"))
	c, err := e.Change()
	require.NoError(t, err)
	require.Equal(t, "draft", c.Status)
	require.EqualValues(t, 9007199254740993, *c.Snapshot.TotalAmount)
	require.NotContains(t, f.bodies[0], `"email"`)
}

func TestSendRelativeTime(t *testing.T) {
	f := newFake(t)
	for _, at := range []string{"-5m", "now", "+1h"} {
		_, errs, code := sendEvents(t, "order.paid", "--at", at)
		require.Zero(t, code, errs)
	}
	require.WithinDuration(t, time.Now().Add(-5*time.Minute), f.event(t, 0).OccurredAt, time.Minute)
	require.WithinDuration(t, time.Now(), f.event(t, 1).OccurredAt, time.Minute)
	require.WithinDuration(t, time.Now().Add(time.Hour), f.event(t, 2).OccurredAt, time.Minute)
}

func TestSendRepeat(t *testing.T) {
	t.Run("makes new events", func(t *testing.T) {
		f := newFake(t)
		out, errs, code := sendEvents(t, "order.created", "--repeat", "3")
		require.Zero(t, code, errs)
		require.Equal(t, 3, strings.Count(out, "200 accepted"))
		require.NotEqual(t, f.event(t, 0).OrderID(), f.event(t, 1).OrderID())
	})
	t.Run("delivers the one that --id names again", func(t *testing.T) {
		f := newFake(t)
		out, errs, code := sendEvents(t, "order.created", "--repeat", "3", "--id", "evt_1")
		require.Zero(t, code, errs)
		require.Equal(t, 1, strings.Count(out, "200 accepted"))
		require.Equal(t, 2, strings.Count(out, "200 duplicate"))
		require.Equal(t, f.bodies[0], f.bodies[2])
	})
	t.Run("sums up what is long", func(t *testing.T) {
		f := newFake(t)
		out, errs, code := sendEvents(t, "order.created", "--repeat", "200", "--concurrency", "8")
		require.Zero(t, code, errs)
		require.Len(t, f.bodies, 200)
		require.Contains(t, errs, "sending 200 deliveries, 8 at once")
		require.Contains(t, out, "     200  200 accepted")
	})
}

func TestSendBadSignature(t *testing.T) {
	newFake(t)
	out, errs, code := sendEvents(t, "order.created", "--bad-signature")
	require.Zero(t, code, errs)
	require.Contains(t, out, "401 Invalid signature")

	t.Run("that is taken is an error", func(t *testing.T) {
		lax := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		defer lax.Close()
		_, errs, code := sendEvents(t, "order.created", "--bad-signature", "--url", lax.URL)
		require.Equal(t, exitError, code)
		require.Contains(t, errs, "did not answer 401 to the delivery")
	})
}

func TestSendFile(t *testing.T) {
	f := newFake(t)
	body := "{ \"id\": \"evt_9\",\n \"type\":\"order.paid\" , \"data\":{\"id\":\"order_9\"}}\n"
	file := filepath.Join(t.TempDir(), "event.json")
	require.NoError(t, os.WriteFile(file, []byte(body), 0o600))
	out, errs, code := sendEvents(t, "--file", file)
	require.Zero(t, code, errs)
	require.Equal(t, body, f.bodies[0], "byte for byte")
	require.Equal(t, "evt_9", f.deliveries[0].Header.Get("Idempotency-Key"))
	require.Contains(t, out, "order_9")

	t.Run("that is no event is sent, and its answer is shown", func(t *testing.T) {
		require.NoError(t, os.WriteFile(file, []byte("[]"), 0o600))
		out, errs, code := sendEvents(t, "--file", file)
		require.Equal(t, exitError, code)
		require.Contains(t, out, "400 the body must be a JSON object")
		require.Contains(t, errs, "the receiver did not accept the delivery")
	})
	t.Run("that does not exist", func(t *testing.T) {
		_, errs, code := sendEvents(t, "--file", "nowhere.json")
		require.Equal(t, exitError, code)
		require.Contains(t, errs, "nowhere.json")
	})
}

func TestSendSaysWhenNobodyListens(t *testing.T) {
	newFake(t)
	for _, what := range [][]string{{"order.created", "--repeat", "1000"}, {"--story", "refunds"}} {
		_, errs, code := sendEvents(t, append(what, "--url", "http://127.0.0.1:1")...)
		require.Equal(t, exitError, code)
		require.Contains(t, errs, "nothing listens at http://127.0.0.1:1/webhooks/hc")
		require.Contains(t, errs, "RECEIVER_URL")
	}
}

func TestSendList(t *testing.T) {
	out, _, code := sendEvents(t, "--list")
	require.Zero(t, code)
	require.Contains(t, out, "payment.refunded")
	require.Contains(t, out, "out-of-order")
}

func TestSendAStoryWithoutADatabase(t *testing.T) {
	f := newFake(t)
	out, errs, code := sendEvents(t, "--story", "refused", "--order", "order_7")
	require.Zero(t, code, errs)
	require.Contains(t, out, "401 Invalid signature")
	require.Contains(t, out, "400 type is missing")
	require.Contains(t, out, "DATABASE_URL is not set")
	require.Len(t, f.bodies, 4)
	require.True(t, json.Valid([]byte(f.bodies[0])))
}
