package receiver

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/traffic"
)

// counted is a receiver with its metrics.
type counted struct {
	*Receiver
	t        *testing.T
	registry *prometheus.Registry
}

func newCounted(t *testing.T, starter Starter) *counted {
	c := &counted{t: t, registry: prometheus.NewRegistry()}
	recorder := traffic.New()
	c.registry.MustRegister(recorder)
	c.Receiver, _ = newTest(t, starter, func(o *Options) {
		o.Traffic, o.Metrics, o.MaxBodyBytes = recorder, NewMetrics(c.registry), 1<<10
	})
	return c
}

// values returns the counters, and the counts of the histograms, that are not 0.
func (c *counted) values() map[string]float64 {
	families, err := c.registry.Gather()
	require.NoError(c.t, err)
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "inorder_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			if v := m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()); v != 0 {
				values[name] = v
			}
		}
	}
	return values
}

// Every answer counts once: as a delivery, by its result, or as a request that is no delivery, by its status.
func TestEveryAnswerIsCountedOnce(t *testing.T) {
	post := func(more string) string {
		return "POST " + delivery.Path + " HTTP/1.1\r\nHost: localhost\r\n" + delivery.SignatureHeader + ": " + vectorSignature + "\r\n" + more
	}
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(vectorBody))
	for sent, want := range map[string]map[string]float64{
		post(length + vectorBody): {"deliveries_total accepted": 1, "ack_seconds": 1},
		strings.Replace(post(length+vectorBody), vectorSignature, strings.Repeat("0", 64), 1): {"deliveries_total bad_signature": 1, "signatures_refused_total": 1},
		post("Content-Length: 2000\r\n\r\n"):                                                  {"deliveries_total too_large": 1},
		post("Transfer-Encoding: chunked\r\n\r\n800\r\n" + strings.Repeat(" ", 2048)):         {"deliveries_total too_large": 1},
		post("Content-Length: 1000\r\n\r\n{"):                                                 {"requests_refused_total 400": 1}, // cut short
		"POST /other HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n":             {"requests_refused_total 413": 1},
		"GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n":                                      {"requests_refused_total 404": 1},
		"GET " + delivery.Path + " HTTP/1.1\r\nHost: localhost\r\n\r\n":                       {"requests_refused_total 405": 1},
		"nonsense\r\n\r\n": {"requests_refused_total 400": 1},
		post("A: " + strings.Repeat("a", maxHeaderBytes) + "\r\n\r\n"): {"requests_refused_total 431": 1},
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n":             {},
	} {
		r := newCounted(t, &fakeStarter{})
		c := dial(t, serve(t, r.Receiver))
		_, err := io.WriteString(c, sent)
		require.NoError(t, err)
		require.NoError(t, c.(*net.TCPConn).CloseWrite())
		_, err = io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, want, r.values(), sent)
	}
}

type panicking struct{}

func (panicking) Verify([]byte, string) bool { panic("a fault of ours") }

func TestAFaultOfOursIsCountedAsUnavailable(t *testing.T) {
	r := newCounted(t, &fakeStarter{})
	r.o.Verifier = panicking{}
	answer, _ := send(t, r.Receiver, posted(vectorBody))
	require.Equal(t, 500, answer.StatusCode)
	require.Equal(t, map[string]float64{"deliveries_total unavailable": 1}, r.values())
}

func TestATimeoutIsCounted(t *testing.T) {
	r := newCounted(t, &fakeStarter{})
	r.app.Server().ReadTimeout = 50 * time.Millisecond
	c := dial(t, serve(t, r.Receiver))
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{", delivery.Path)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return r.values()["requests_refused_total 408"] == 1 }, testenv.Patience, time.Millisecond)
}

// Whatever names strangers and the platform make up, the number of series stays the same.
func TestMadeUpNamesAddNoSeries(t *testing.T) {
	r := newCounted(t, noStarter{})
	before, err := testutil.GatherAndCount(r.registry)
	require.NoError(t, err)
	handler, stream := r.app.Handler(), bytes.NewReader(nil)
	for i := range 10_000 {
		body := fmt.Appendf(nil, `{"id":"evt_%d","type":"made%d.up%d","data":{"id":"order_%d"}}`, i, i, i, i)
		ctx := request(body)
		ctx.Request.Header.Set(delivery.SignatureHeader, delivery.Sign(vectorSecret, body))
		stream.Reset(body)
		ctx.Request.SetBodyStream(stream, len(body))
		handler(ctx)
		require.Equal(t, 200, ctx.Response.StatusCode())
		ctx.Request.Header.SetMethod([]string{"GET", "POST", fmt.Sprint("MADE", i)}[i%3])
		ctx.Request.SetRequestURI(fmt.Sprint("/made/up/", i))
		handler(ctx)
		require.GreaterOrEqual(t, ctx.Response.StatusCode(), 400)
	}
	after, err := testutil.GatherAndCount(r.registry)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Equal(t, 10_000.0, r.values()["deliveries_total accepted"])
}

func TestAllStatusesAreThereFromTheBeginning(t *testing.T) {
	r := newCounted(t, noStarter{})
	require.Empty(t, r.values())
	n, err := testutil.GatherAndCount(r.registry, "inorder_requests_refused_total")
	require.NoError(t, err)
	require.Equal(t, len(refusals), n)
	r.refused(answer{status: http.StatusTeapot})
	require.Equal(t, map[string]float64{"requests_refused_total other": 1}, r.values())
	problems, err := testutil.GatherAndLint(r.registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}
