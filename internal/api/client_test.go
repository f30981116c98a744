package api

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const token = "canary-token"

// serve answers every request with one status and body, and returns a client.
func serve(t *testing.T, status int, kind, body string, seen func(*http.Request, string)) *Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if seen != nil {
			seen(r, string(text))
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return &Client{URL: server.URL + "/", Token: token}
}

func TestClientAsks(t *testing.T) {
	var uri, key, auth, body string
	c := serve(t, 200, "application/json", `{}`, func(r *http.Request, text string) {
		uri, key, auth, body = r.Method+" "+r.RequestURI, r.Header.Get(IdempotencyHeader), r.Header.Get("Authorization"), text
	})
	ctx := t.Context()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600))
	for want, call := range map[string]func() error{
		"GET /api/status": func() error { _, err := c.Status(ctx); return err },
		"GET /api/orders": func() error { _, err := c.Orders(ctx, OrdersQuery{}); return err },
		"GET /api/events?limit=7&order_id=o+1&received_after=2026-01-02T02%3A04%3A05.000006Z&state=stuck": func() error {
			_, err := c.Events(ctx, EventsQuery{State: StateStuck, OrderID: "o 1", ReceivedAfter: at, ListQuery: ListQuery{Limit: 7}})
			return err
		},
		"GET /api/orders/a%2Fb%3F/timeline?cursor=x": func() error { _, err := c.Timeline(ctx, "a/b?", ListQuery{Cursor: "x"}); return err },
		"GET /api/orders/o/blocked":                  func() error { _, err := c.Blocked(ctx, "o"); return err },
		"GET /api/audit?actor=anna":                  func() error { _, err := c.Audit(ctx, AuditQuery{Actor: "anna"}); return err },
		"GET /api/bulk/b":                            func() error { _, err := c.Bulk(ctx, "b"); return err },
	} {
		require.NoError(t, call(), want)
		require.Equal(t, want, uri)
		require.Empty(t, key)
		require.Equal(t, "Bearer "+token, auth)
	}
	_, err := c.Amend(ctx, "evt_1", "typo", json.RawMessage(`{"id":"evt_1"}`))
	require.NoError(t, err)
	require.Equal(t, "POST /api/events/evt_1/amend", uri)
	require.JSONEq(t, `{"reason":"typo","body":{"id":"evt_1"}}`, body)
	first := key
	require.Len(t, first, 36)
	_, err = c.Discard(ctx, "evt_1", "spam")
	require.NoError(t, err)
	require.NotEqual(t, first, key, "another act, another key")
	_, err = c.Event(ctx, "")
	require.ErrorContains(t, err, "the ID is empty")
}

func TestClientExplainsRefusals(t *testing.T) {
	problem := func(kind string) string {
		return `{"type":"` + kind + `","title":"t","status":409,"detail":"it does not fit","actions":["replay"]}`
	}
	for want, c := range map[string]*Client{
		"set ADMIN_TOKEN to a token of": serve(t, 401, ProblemType, problem(ProblemUnauthorized), nil),
		"that may change things":        serve(t, 403, ProblemType, problem(ProblemForbidden), nil),
		"it does not fit":               serve(t, 409, ProblemType, problem(ProblemUnfit), nil),
		"answered 404 Not Found":        serve(t, 404, "text/html", "<h1>", nil),
		"is ADMIN_URL correct":          serve(t, 200, "text/html", "<h1>", nil),
		"is `inorder serve`":            {URL: "http://127.0.0.1:1", Token: token},
	} {
		_, err := c.Status(t.Context())
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), token)
	}
	_, err := serve(t, 409, ProblemType, problem(ProblemUnfit), nil).Retry(t.Context(), "evt_1", "")
	var p *Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, []Action{Replay}, p.Actions)
}

func TestClientTriesACutConnectionOnceMoreWithTheSameKey(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	keys, cut := make(chan string, 9), true
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get(IdempotencyHeader)
		if !cut {
			_, _ = io.WriteString(w, `{"result":"signaled"}`)
			return
		}
		cut = false
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset
		_ = conn.Close()
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	done, err := (&Client{URL: "http://" + l.Addr().String()}).Retry(t.Context(), "evt_1", "")
	require.NoError(t, err)
	require.Equal(t, "signaled", done.Result)
	require.Len(t, keys, 2)
	require.Equal(t, <-keys, <-keys)
}
