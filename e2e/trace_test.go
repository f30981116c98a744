package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/sample"
)

const outside = "0af7651916cd43dd8448eb211c80319c"

// postTraced delivers a body with the headers of a trace that the sender did not sample.
func (s *system) postTraced(secret string, body []byte) {
	req, err := http.NewRequest(http.MethodPost, s.url+delivery.Path, bytes.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, body))
	req.Header.Set("traceparent", "00-"+outside+"-b7ad6b7169203331-00")
	req.Header.Set("tracestate", "vendor=canary")
	req.Header.Set("baggage", "user=canary")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	resp.Body.Close()
}

// canaryEvent returns an event full of data that must not leave the process.
func canaryEvent(id, eventType, orderID string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":"2025-01-15T10:30:00Z","store_id":"canary_store","data":{"id":%[3]q,"order_id":%[3]q,"number":"canary",
		"status":"confirmed","email":"canary@example.com","total":{"amount":1,"currency":"KRW"},"payments":[{"id":"canary_payment","status":"paid","note":"canary"}]}}`, id, eventType, orderID)
}

// One delivery is one trace, from the request through the workflow and its activity to the SQL.
func TestADeliveryIsOneTraceFromTheRequestToTheSQL(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := newSystem(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "LOG_FORMAT=json", "INBOX=off") // a spilled event has another trace
	serve := s.serve()
	id, orderID := sample.NewID("evt_"), sample.NewID("order_")
	s.postTraced(secret, canaryEvent(id, "order.created", orderID))
	s.postTraced("whsec_canary", canaryEvent("evt_canary", "order.created", "order_canary"))
	s.eventually("it is applied", func() bool { return s.outcome(id) == "applied" })
	s.eventually("its end is logged", func() bool { return strings.Contains(s.log(), `"event ended"`) })
	require.NoError(t, serve.Process.Signal(syscall.SIGTERM)) // serve then exports the remaining spans
	require.NoError(t, serve.Wait())

	all := c.trace(id)
	request := all.one(t, "POST /webhooks/hc", nil)
	start := all.one(t, "StartWorkflow:ProcessEvent", request)
	workflow := all.one(t, "RunWorkflow:ProcessEvent", start)
	activity := all.one(t, "RunActivity:ApplyEvent", all.one(t, "StartActivity:ApplyEvent", workflow))
	for _, span := range (trace{request, start, workflow, activity}) {
		require.Equal(t, []any{id, "order.created", orderID}, []any{attr(span, "event_id"), attr(span, "event_type"), attr(span, "order_id")}, span.Name)
	}
	require.Equal(t, []any{"POST", 200, "/webhooks/hc", "/webhooks/hc", "127.0.0.1"}, []any{attr(request, "http.request.method"), attr(request, "http.response.status_code"),
		attr(request, "http.route"), attr(request, "url.path"), attr(request, "server.address")})
	all.one(t, "pool.acquire", activity)
	require.Equal(t, "postgresql", attr(all.one(t, "BEGIN", activity), "db.system.name"))
	batches := slices.DeleteFunc(slices.Clone(all), func(s *tracepb.Span) bool {
		return s.Name != "batch start" || attr(s, "db.operation.batch.size") == nil
	})
	require.Len(t, batches, 2, "what is read, and what is written")
	statement := all.one(t, "INSERT", batches[1])
	require.Contains(t, attr(statement, "db.query.text"), "$1")
	require.NotNil(t, attr(statement, "server.address"))
	all.one(t, "COMMIT", activity)

	require.Equal(t, outside, fmt.Sprintf("%x", request.Links[0].TraceId), "the sender's trace is a link")
	require.NotContains(t, all.id(), outside)
	require.NotContains(t, string(c.raw), "canary", "no payload, argument, secret, baggage or header of the sender")
	require.NotContains(t, string(c.raw), delivery.Sign(secret, canaryEvent(id, "order.created", orderID)))
	require.Regexp(t, `"msg":"event ended","event_id":"`+id+`","event_type":"order.created","order_id":"`+orderID+`","outcome":"applied","via":"workflow","trace_id":"`+all.id()+`"`, s.log())
	require.Regexp(t, `"msg":"delivery refused".*"trace_id":"[0-9a-f]{32}"`, s.log())
	require.NotContains(t, s.log(), "canary")
}

// An event that goes through the inbox stays in the trace of its delivery, whether it is applied from there or by a later workflow.
func TestEventsThatAreSpilledKeepTheirTrace(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := newSystem(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_BSP_SCHEDULE_DELAY=200")
	temporal := newOutage(t, os.Getenv(testenv.TemporalVariable))
	temporal.connect()
	s.env = append(s.env, "TEMPORAL_ADDRESS="+temporal.Addr())
	s.serve()
	temporal.cut()
	applied, result := s.posts(sample.Options{Type: "order.created", OrderID: "order_1"})
	require.Equal(t, delivery.ResultSpilled, result)
	waits, result := s.posts(sample.Options{Type: "order.paid", OrderID: "order_2"})
	require.Equal(t, delivery.ResultSpilled, result)
	s.eventually("one is applied", func() bool { return s.outcome(applied) == "applied" })
	temporal.connect()
	s.eventually("the other is a workflow", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 1 })

	s.eventually("both are traced", func() bool {
		return c.trace(applied).has("apply from inbox") && c.trace(waits).has("RunActivity:ApplyEvent")
	})
	all := c.trace(applied)
	drained := all.one(t, "apply from inbox", all.one(t, "POST /webhooks/hc", nil))
	require.Equal(t, []any{applied, "applied"}, []any{attr(drained, "event_id"), attr(drained, "outcome")})
	all = c.trace(waits)
	all.one(t, "StartWorkflow:ProcessEvent", all.one(t, "POST /webhooks/hc", nil))
	var groups trace
	for _, span := range c.all() {
		if span.Name == "write inbox" || span.Name == "drain inbox" {
			groups = append(groups, span)
		}
	}
	require.True(t, groups.has("write inbox"))
}
