package receiver

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"
)

type noStarter struct{}

func (noStarter) ExecuteWorkflow(context.Context, client.StartWorkflowOptions, any, ...any) (client.WorkflowRun, error) {
	return nil, nil
}

// BenchmarkReceive measures one delivery without the network and Temporal.
func BenchmarkReceive(b *testing.B) {
	lines := strings.Repeat(`{"id":"line","sku":"SKU-1","quantity":2,"price":{"amount":39000,"currency":"KRW"}},`, 200)
	for name, body := range map[string]string{
		"small":     vectorBody,
		"200 lines": strings.Replace(vectorBody, `"number":1001`, `"lines":[`+strings.TrimSuffix(lines, ",")+`]`, 1),
	} {
		b.Run(name, func(b *testing.B) {
			r, _ := newTest(b, noStarter{}, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
			body, stream := []byte(body), bytes.NewReader(nil)
			handler, ctx := r.app.Handler(), request(body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				stream.Reset(body)
				ctx.Request.SetBodyStream(stream, len(body))
				handler(ctx)
			}
			if ctx.Response.StatusCode() != 200 {
				b.Fatalf("status %d", ctx.Response.StatusCode())
			}
		})
	}
}
