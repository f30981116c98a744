package e2e

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector receives traces by OTLP over HTTP, decoded with the official messages.
type collector struct {
	url string

	mu    sync.Mutex
	raw   []byte // all bodies received
	spans []*tracepb.Span
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var in collectorpb.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &in)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			http.Error(w, "not OTLP", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, body...)
		for _, resource := range in.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		answer, _ := proto.Marshal(&collectorpb.ExportTraceServiceResponse{})
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(answer)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) all() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// trace returns the spans of the trace whose root span has this event ID, or nil if there is none yet.
func (c *collector) trace(eventID string) (spans trace) {
	all := c.all()
	root := slices.IndexFunc(all, func(s *tracepb.Span) bool { return len(s.ParentSpanId) == 0 && attr(s, "event_id") == eventID })
	if root < 0 {
		return nil
	}
	for _, s := range all {
		if string(s.TraceId) == string(all[root].TraceId) {
			spans = append(spans, s)
		}
	}
	return spans
}

type trace []*tracepb.Span

// one returns the span with this name whose parent is parent. A nil parent stands for the root.
func (all trace) one(t *testing.T, name string, parent *tracepb.Span) *tracepb.Span {
	t.Helper()
	for _, s := range all {
		if s.Name == name && (parent == nil && len(s.ParentSpanId) == 0 || parent != nil && string(s.ParentSpanId) == string(parent.SpanId)) {
			return s
		}
	}
	require.Fail(t, "no span "+name, "%v", all.names())
	return nil
}

func (all trace) has(name string) bool { return slices.Contains(all.names(), name) }

func (all trace) names() (names []string) {
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func (all trace) id() string { return hex.EncodeToString(all[0].TraceId) }

// attr returns the string or the int of an attribute, or nil if the span does not have it.
func attr(s *tracepb.Span, key string) any {
	for _, a := range s.Attributes {
		if a.Key != key {
			continue
		}
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			return v.StringValue
		case *commonpb.AnyValue_IntValue:
			return int(v.IntValue)
		}
	}
	return nil
}
