package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
	"inorder/internal/ready"
	"inorder/internal/sample"
)

// request is a request to the public address.
type request struct {
	method, path string
	body         []byte
	chunked      bool
	header       map[string]string // additional headers; empty values are not sent
}

// answer is the answer to a request.
type answer struct {
	status       int
	body, result string
	header       http.Header
	reused       bool // the request used an existing connection
}

func signedPost(body []byte, header ...string) request {
	r := request{method: http.MethodPost, path: delivery.Path, body: body, header: map[string]string{delivery.SignatureHeader: delivery.Sign(secret, body)}}
	for i := 0; i < len(header); i += 2 {
		r.header[header[i]] = header[i+1]
	}
	return r
}

func (e *edge) ask(r request) (a answer, err error) {
	var body io.Reader = bytes.NewReader(r.body)
	if r.chunked {
		body = struct{ io.Reader }{body}
	}
	req, err := http.NewRequest(r.method, "https://"+edgeHost+r.path, body)
	if err != nil {
		return a, err
	}
	for name, value := range r.header {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { a.reused = i.Reused }}))
	resp, err := e.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a.status, a.body, a.result, a.header = resp.StatusCode, string(text), resp.Header.Get(delivery.ResultHeader), resp.Header
	return a, err
}

func gzipped(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text)
	_ = w.Close()
	return out.Bytes()
}

// eventOf returns an event whose body has that many bytes.
func eventOf(bytes int) []byte {
	o := sample.Options{ID: sample.NewID("evt_"), Type: "order.created", OrderID: sample.NewID("order_"), At: time.Now().Truncate(time.Second), Data: map[string]any{"note": ""}}
	o.Data["note"] = strings.Repeat("x", bytes-len(sample.Event(o)))
	return sample.Event(o)
}

const mebibyte = 1 << 20

// requireAnswers checks that the platform gets the receiver's own answers through the edge.
func (e *edge) requireAnswers(t *testing.T) {
	small := sample.Event(sample.Options{ID: sample.NewID("evt_"), Type: "order.created", OrderID: sample.NewID("order_")})
	chunked := func(r request) request { r.chunked = true; return r }
	spilled := false
	for _, tc := range []struct {
		name         string
		request      request
		status       int
		body, result string // the receiver's; an empty body is not checked
	}{
		{"a new event", signedPost(small), 200, "OK", "accepted"},
		{"the same again", signedPost(small), 200, "OK", "duplicate"},
		{"with a query", request{http.MethodPost, delivery.Path + "?source=platform", small, false, signedPost(small).header}, 200, "OK", "duplicate"},
		{"without a signature", signedPost(small, delivery.SignatureHeader, ""), 401, "Invalid signature", ""},
		{"another signature", signedPost(small, delivery.SignatureHeader, delivery.Sign("whsec_other", small)), 401, "Invalid signature", ""},
		{"as large as may be", signedPost(eventOf(mebibyte)), 200, "OK", "accepted"},
		{"as large as may be, in chunks", chunked(signedPost(eventOf(mebibyte))), 200, "OK", "accepted"},
		{"a byte larger", signedPost(eventOf(mebibyte + 1)), 413, "", ""},
		{"a byte larger, in chunks", chunked(signedPost(eventOf(mebibyte + 1))), 413, "", ""},
		{"far too large", signedPost(eventOf(3 * mebibyte)), 413, "", ""},
		{"far too large, in chunks", chunked(signedPost(eventOf(3 * mebibyte))), 413, "", ""},
		{"authentic, and compressed", signedPost(gzipped(small), "Content-Encoding", "gzip"), 400, "the body must be a JSON object", ""},
		{"plain, and called compressed", signedPost(eventOf(4096), "Content-Encoding", "gzip"), 200, "OK", "accepted"},
		{"no JSON", signedPost([]byte("x")), 400, "the body must be a JSON object", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := e.ask(tc.request)
			require.NoError(t, err)
			require.Equal(t, tc.status, a.status, a.body)
			if spilled = spilled || a.result == "spilled"; !spilled { // under load; then Temporal does not know an event that is delivered again
				require.Equal(t, tc.result, a.result)
			}
			if tc.body != "" {
				require.Equal(t, tc.body, a.body)
			}
			if strings.HasPrefix(tc.name, "a byte larger") {
				require.NotContains(t, a.body, "nginx", "the receiver answers by its own setting")
			}
		})
	}
	e.requireNothingElseIsPublic(t)
}

func (e *edge) requireNothingElseIsPublic(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/api/status", "/docs", "/webhooks", "/Webhooks/hc", delivery.Path + "/", delivery.Path + "/../../readyz"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a, err := e.ask(request{method: method, path: path})
			require.NoError(t, err)
			require.Equal(t, http.StatusNotFound, a.status, "%s %s", method, path)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		a, err := e.ask(request{method: method, path: delivery.Path})
		require.NoError(t, err)
		require.Equal(t, http.StatusMethodNotAllowed, a.status, method)
		require.Equal(t, "POST", a.header.Get("Allow"), method)
	}
}

// upstream stands in for a receiver. It records the requests that it gets, except health checks.
type upstream struct {
	*httptest.Server
	answer      atomic.Int64 // status
	connections atomic.Int64
	mu          sync.Mutex
	came        []*http.Request
	bodies      [][]byte
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{}
	u.answer.Store(http.StatusOK)
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == ready.Path { // Caddy's health check
			return
		}
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.came, u.bodies = append(u.came, r), append(u.bodies, body)
		u.mu.Unlock()
		if status := int(u.answer.Load()); status != http.StatusOK {
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(status)
		}
	}))
	u.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			u.connections.Add(1)
		}
	}
	u.Start()
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) address() string { return strings.TrimPrefix(u.URL, "http://") }

// all returns the requests since the last call, with their bodies.
func (u *upstream) all() (came []*http.Request, bodies [][]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	came, bodies = u.came, u.bodies
	u.came, u.bodies = nil, nil
	return came, bodies
}
