package receiver

import (
	"bytes"
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"inorder/internal/delivery"
)

// headerReceived is called with the header of each request, before the server reads the first byte of its body.
func (r *Receiver) headerReceived(h *fasthttp.RequestHeader) (none fasthttp.RequestConfig) {
	if h.ContentLength() > r.o.MaxBodyBytes {
		// As if the sender had sent it: the server then calls expect, which refuses, before it reads the body.
		h.Set(fiber.HeaderExpect, "100-continue")
	}
	if isAmbiguous(h) {
		h.SetConnectionClose() // what follows the request may be a part of it
	}
	return none
}

// isAmbiguous reports whether a proxy may see the end of the request elsewhere. The server lets two such forms pass.
func isAmbiguous(h *fasthttp.RequestHeader) bool {
	raw := h.RawHeaders()
	if h.ContentLength() == noLength && bytes.Contains(bytes.ToLower(raw), []byte("transfer-encoding")) {
		return true // the coding "identity", which the server ignores, and the body with it
	}
	for i := 0; ; i++ {
		next := bytes.IndexByte(raw[i:], '\n')
		if next < 0 {
			return false
		}
		if i += next; i == 0 || raw[i-1] != '\r' {
			return true // a line that ends with a bare LF
		}
	}
}

// noLength is the server's content length of a request with neither a length nor a transfer coding.
const noLength = -2

// expect answers "Expect: 100-continue".
func (r *Receiver) expect(ctx *fasthttp.RequestCtx) (status int) {
	if ctx.Request.Header.ContentLength() > r.o.MaxBodyBytes {
		a := answerTo(errTooLarge)
		if string(ctx.Path()) != delivery.Path {
			a.result = ""
		}
		r.logRefusal(context.Background(), a, errTooLarge)
		r.keep(ctx, a, errTooLarge)
		r.refused(a)
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusContinue
}
