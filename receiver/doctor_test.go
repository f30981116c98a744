package receiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
	"inorder/internal/doctor"
	"inorder/internal/traffic"
)

// behind starts a receiver and a proxy in front of it, which handles each request with proxy, and returns the proxy's URL.
func behind(t *testing.T, proxy func(next http.Handler) http.Handler) string {
	r, _ := newTest(t, &fakeStarter{}, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, listener) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	target, err := url.Parse("http://" + listener.Addr().String())
	require.NoError(t, err)
	front := httptest.NewServer(proxy(httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(front.Close)
	return front.URL
}

// changing is a proxy that changes bodies.
func changing(change func(*http.Request, []byte) []byte) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			body = change(req, body)
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			next.ServeHTTP(w, req)
		})
	}
}

func unzipped(req *http.Request, body []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if req.Header.Get("Content-Encoding") != "gzip" || err != nil {
		return body
	}
	req.Header.Del("Content-Encoding")
	plain, _ := io.ReadAll(z)
	return plain
}

func limited(n int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, n) }
}

func TestTheDoctorTriesTheWayToAReceiver(t *testing.T) {
	t.Parallel()
	answering := func(status int) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://elsewhere.example")
				w.WriteHeader(status)
			})
		}
	}
	none := func(next http.Handler) http.Handler { return next }
	for name, tc := range map[string]struct {
		proxy  func(http.Handler) http.Handler
		secret string
		check  string
		status doctor.Status
		says   string
	}{
		"well":              {none, vectorSecret, "body limit", doctor.OK, "1048576, reaches the receiver"},
		"untouched":         {none, vectorSecret, "body untouched", doctor.OK, "compressed ones too"},
		"without a secret":  {none, "", "body limit", doctor.OK, "reaches the receiver"},
		"no TLS":            {none, "", "certificate", doctor.Note, "does not use TLS"},
		"another secret":    {none, "whsec_of_somebody_else", "body untouched", doctor.Failed, "401"},
		"a low limit":       {limited(256 << 10), vectorSecret, "body limit", doctor.Failed, "a body of 524288 bytes does not reach the receiver"},
		"no room at all":    {limited(60), vectorSecret, "body limit", doctor.Failed, "no body of 64 bytes or more reaches the receiver"},
		"decompresses":      {changing(unzipped), vectorSecret, "body untouched", doctor.Note, "compressed ones do not"},
		"trims":             {changing(func(_ *http.Request, b []byte) []byte { return bytes.TrimSpace(b) }), vectorSecret, "body untouched", doctor.Failed, "401"},
		"drops bodies":      {changing(func(*http.Request, []byte) []byte { return nil }), vectorSecret, "body limit", doctor.Note, "whether it arrives whole is not known"},
		"redirects":         {answering(http.StatusMovedPermanently), vectorSecret, "public URL", doctor.Failed, "301 to https://elsewhere.example"},
		"no receiver":       {answering(http.StatusBadGateway), vectorSecret, "public URL", doctor.Failed, "502"},
		"another path":      {answering(http.StatusNotFound), vectorSecret, "public URL", doctor.Failed, "404, and not by a receiver"},
		"a login before it": {answering(http.StatusUnauthorized), vectorSecret, "public URL", doctor.Failed, "401, and not by a receiver"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := doctor.Public{URL: behind(t, tc.proxy), Secret: tc.secret, MaxBodyBytes: defaultMaxBodyBytes, Within: time.Minute}.Examine(t.Context())
			text, _ := json.Marshal(found)
			for _, f := range found {
				if f.Check == tc.check {
					require.Equal(t, tc.status, f.Status, string(text))
					require.Contains(t, f.Says, tc.says)
					return
				}
			}
			require.Fail(t, "not checked", string(text))
		})
	}
}

func TestTheDoctorFindsNobody(t *testing.T) {
	t.Parallel()
	found := doctor.Public{URL: "http://127.0.0.1:1" + delivery.Path, MaxBodyBytes: 1 << 20, Within: time.Minute}.Examine(t.Context())
	require.Equal(t, doctor.Failed, found[0].Status)
	require.Contains(t, found[0].Says, "refused")
	for _, f := range found[1:] {
		require.Equal(t, doctor.Note, f.Status)
	}
}

// Running the doctor must neither raise an alert nor fill the samples.
func TestTheDoctorsProbesAreNoRefusedDeliveries(t *testing.T) {
	t.Parallel()
	registry, recorder, kept := prometheus.NewRegistry(), traffic.New(), &fakeRefused{}
	registry.MustRegister(recorder)
	r, _ := newTest(t, &fakeStarter{}, func(o *Options) { o.Traffic, o.Metrics, o.Refused = recorder, NewMetrics(registry), kept })
	s := serve(t, r)
	found := doctor.Public{URL: "http://" + s.addr, Secret: vectorSecret, MaxBodyBytes: defaultMaxBodyBytes, Within: time.Minute}.Examine(t.Context())
	require.Equal(t, doctor.OK, found[len(found)-1].Status)
	c := &counted{Receiver: r, t: t, registry: registry}
	require.Equal(t, map[string]float64{"requests_refused_total 400": 5}, c.values())
	require.Empty(t, kept.kept)

	// Without a valid signature, a probe doesn't count as the doctor's. And an event is accepted, whatever text it contains.
	send(t, r, with(posted(delivery.Probe), delivery.SignatureHeader, strings.Repeat("0", 64)))
	send(t, r, posted(`{"store_id":"inorder doctor: not an event",`+vectorBody[1:]))
	require.Equal(t, 1.0, c.values()["deliveries_total bad_signature"])
	require.Equal(t, 1.0, c.values()["deliveries_total accepted"])
}
