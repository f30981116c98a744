package receiver

import (
	"bytes"
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"inorder/internal/delivery"
)

// headerReceived is called with each header, before the server reads the first byte of the body.
func (r *Receiver) headerReceived(h *fasthttp.RequestHeader) (none fasthttp.RequestConfig) {
	if h.ContentLength() > r.o.MaxBodyBytes {
		// As if its sender had asked, which is what the server answers before it reads a body: see expect.
		h.Set(fiber.HeaderExpect, "100-continue")
	}
	if isAmbiguous(h) {
		h.SetConnectionClose() // what follows the request may be a part of it
	}
	return none
}

// isAmbiguous reports whether a proxy may see the end of the request elsewhere. There are two such ways that the server lets pass.
func isAmbiguous(h *fasthttp.RequestHeader) bool {
	raw := h.RawHeaders()
	if h.ContentLength() == noLength && bytes.Contains(bytes.ToLower(raw), []byte("transfer-encoding")) {
		return true // the coding "identity", which the server leaves out, and with it the body
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

// noLength is what the server calls the length of a request with neither a length nor a transfer coding.
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
