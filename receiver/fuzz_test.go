package receiver

import (
	"bytes"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"inorder/internal/delivery"
)

// FuzzWebhook posts what an authentic sender might send: the workflow starts with exactly those bytes, or the answer refuses in one line.
func FuzzWebhook(f *testing.F) {
	f.Add([]byte(vectorBody), "gzip")
	f.Add([]byte(`{"type":"x"}`), "")
	f.Add([]byte(`{"id":"\u0000","type":"order.paid"}`), "br, gzip")
	f.Add([]byte("{\"id\":\"a\",\"type\":\"\xff\",\"data\":{\"order_id\":\"\xfe\"}}"), "deflate")
	starter := &fakeStarter{}
	r, _ := newTest(f, starter, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
	handler := r.app.Handler()
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		starter.starts = nil
		ctx := request(body)
		ctx.Request.Header.Set("Content-Encoding", encoding)
		handler(ctx)
		switch status := ctx.Response.StatusCode(); status {
		case 200:
			require.Len(t, starter.starts, 1)
			require.Equal(t, body, starter.starts[0].body)
			require.Equal(t, starter.starts[0].options.ID, starter.starts[0].receipt.EventID)
		case 400:
			require.Empty(t, starter.starts)
			require.NotContains(t, string(ctx.Response.Body()), "\n")
		default:
			require.Fail(t, "neither taken nor refused", "status %d", status)
		}
	})
}

// request is a signed delivery as the server hands it to the handler.
func request(body []byte) *fasthttp.RequestCtx {
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.Header.SetMethod("POST")
	ctx.Request.SetRequestURI(delivery.Path)
	ctx.Request.Header.Set(delivery.SignatureHeader, delivery.Sign(vectorSecret, body))
	ctx.Request.SetBodyStream(bytes.NewReader(body), len(body))
	return ctx
}
