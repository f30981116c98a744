package listen

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/delivery"
	"inorder/internal/store"
)

const secret = "whsec_test"

// verifies is a Verifier with one secret.
type verifies string

func (v verifies) Verify(body []byte, signature string) bool {
	return delivery.Verify(string(v), body, signature)
}

// pair starts a forwarder in front of a receiver.
func pair(t *testing.T, receiver http.HandlerFunc) (url string, deliveries chan Delivery) {
	return pairWithin(t, readTimeout, receiver)
}

func pairWithin(t *testing.T, within time.Duration, receiver http.HandlerFunc) (url string, deliveries chan Delivery) {
	to := httptest.NewServer(receiver)
	t.Cleanup(to.Close)
	deliveries = make(chan Delivery, 1000)
	f, err := newForwarder(to.URL, verifies(secret), 0, func(d Delivery) { deliveries <- d })
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := newServer(f, within)
	go server.Serve(newConns(l, maxConns))
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return "http://" + l.Addr().String(), deliveries
}

// signed returns a delivery as the platform makes it.
func signed(t *testing.T, url, body string) *http.Request {
	q, err := http.NewRequest(http.MethodPost, url+"/webhooks/hc", strings.NewReader(body))
	require.NoError(t, err)
	q.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, []byte(body)))
	return q
}

func do(t *testing.T, q *http.Request) (status int, body string) {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(q)
	require.NoError(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(answer)
}

func TestForwardChangesNothing(t *testing.T) {
	t.Parallel()
	var body []byte
	var header http.Header
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "OK")
	require.NoError(t, z.Close())
	url, deliveries := pair(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header.Clone()
		require.Equal(t, "/webhooks/hc", r.URL.Path)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Inorder-Result", "duplicate")
		w.Header().Add("X-Two", "1")
		w.Header().Add("X-Two", "2")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(packed.Bytes())
	})
	sent := "{ \"id\":\"evt_1\",\n\"type\": \"order.paid\", \"created_at\":\"2026-01-01T00:00:00Z\", \"data\":{\"id\":\"order_1\",\"note\":\"\xff<&>\"}}\r\n"
	for name, reader := range map[string]io.Reader{"with a length": strings.NewReader(sent), "chunked": io.MultiReader(strings.NewReader(sent))} {
		t.Run(name, func(t *testing.T) {
			q, err := http.NewRequest(http.MethodPost, url+"/webhooks/hc", reader)
			require.NoError(t, err)
			for _, h := range [][2]string{{"X-Webhook-Signature", delivery.Sign(secret, []byte(sent))}, {"X-Two", "a"}, {"X-Two", "B"}, {"Content-Encoding", "gzip"}, {"Content-Type", "application/json; x=y"},
				{"Accept-Encoding", "br"}, {"X-Forwarded-For", "203.0.113.9"}, {"Idempotency-Key", "k"}, {"User-Agent", "platform/1"}} {
				q.Header.Add(h[0], h[1])
			}
			res, err := http.DefaultTransport.RoundTrip(q)
			require.NoError(t, err)
			answer, _ := io.ReadAll(res.Body)
			res.Body.Close()

			require.Equal(t, sent, string(body))
			want := q.Header.Clone()
			want.Set("Content-Length", header.Get("Content-Length"))
			require.Equal(t, want, header)
			require.Equal(t, http.StatusAccepted, res.StatusCode)
			require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
			require.Equal(t, []string{"1", "2"}, res.Header.Values("X-Two"))
			require.Equal(t, packed.Bytes(), answer)

			d := <-deliveries
			require.Positive(t, d.Took)
			d.Took = 0
			require.Equal(t, Delivery{Type: "order.paid", OrderID: "order_1", EventID: "evt_1", Status: 202, Result: "duplicate"}, d)
		})
	}
}

func TestForwardTakesDeliveriesOnly(t *testing.T) {
	t.Parallel()
	url, deliveries := pair(t, func(http.ResponseWriter, *http.Request) { t.Error("nothing comes through") })
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/readyz", 404},
		{"POST", "/metrics", 404},
		{"GET", "/webhooks/hc", 405},
	} {
		q, err := http.NewRequest(tc.method, url+tc.path, nil)
		require.NoError(t, err)
		status, _ := do(t, q)
		require.Equal(t, tc.want, status)
	}
	require.Empty(t, deliveries)
}

func TestForwardWithoutAReceiver(t *testing.T) {
	t.Parallel()
	deliveries := make(chan Delivery, 1)
	f, err := newForwarder("http://127.0.0.1:1", verifies(secret), 0, func(d Delivery) { deliveries <- d })
	require.NoError(t, err)
	w := httptest.NewRecorder()
	q := httptest.NewRequest(http.MethodPost, "/webhooks/hc", strings.NewReader("{}"))
	q.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, []byte("{}")))
	f.ServeHTTP(w, q)
	require.Equal(t, http.StatusBadGateway, w.Code)
	var out bytes.Buffer
	newPrinter(&out).delivery(<-deliveries, "http://127.0.0.1:1")
	require.Contains(t, out.String(), "nothing listens at http://127.0.0.1:1; is `inorder serve` running?")
	require.Contains(t, out.String(), "(no event)")
}

func TestADeliveryIsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	newPrinter(&out).delivery(Delivery{Type: "a\x1b[2Jb\nc", OrderID: strings.Repeat("x", 5000), Status: 401}, "")
	require.NotContains(t, out.String(), "\x1b")
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.Less(t, out.Len(), 500)
}

// outcomes has the outcomes of events, by ID.
type outcomes map[string]inorder.Outcome

func (o outcomes) States(_ context.Context, ids []string) (all []store.EventState, _ error) {
	for _, id := range ids {
		all = append(all, store.EventState{ID: id, Outcome: o[id]})
	}
	return all, nil
}

func (o outcomes) Ask(_ context.Context, e store.EventState) store.EventState {
	return store.EventState{ID: e.ID, Outcome: inorder.Attention, Detail: "asked"}
}

func TestOutcomesAreReported(t *testing.T) {
	t.Parallel()
	where := outcomes{"evt_waits": inorder.Waiting, "evt_done": inorder.Stale}
	var reported []store.EventState
	f := newFollower(where, func(s store.EventState) { reported = append(reported, s) })
	for _, id := range []string{"evt_waits", "evt_done", "evt_attention"} {
		f.add(id)
		f.add(id)
	}
	f.poll(t.Context())
	require.Len(t, reported, 2)
	require.Len(t, f.followed, 2, "what has come to its end is not followed any more")

	where["evt_waits"] = inorder.Applied
	f.followed["evt_attention"].since = time.Now().Add(-askAfter - time.Second)
	reported = nil
	f.poll(t.Context())
	require.ElementsMatch(t, []store.EventState{{ID: "evt_waits", Outcome: "applied"}, {ID: "evt_attention", Outcome: "attention", Detail: "asked"}}, reported)
	require.Empty(t, f.followed)

	t.Run("and given up in the end", func(t *testing.T) {
		where["evt_waits"] = inorder.Waiting
		f.add("evt_waits")
		f.followed["evt_waits"].since = time.Now().Add(-followFor - time.Second)
		reported = nil
		f.poll(t.Context())
		require.Len(t, reported, 1)
		require.Empty(t, f.followed)
	})
}
