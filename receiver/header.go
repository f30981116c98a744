package receiver

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// headerReceived looks at a header before the server reads the first byte of the body.
func (r *Receiver) headerReceived(h *fasthttp.RequestHeader) (none fasthttp.RequestConfig) {
	switch length := h.ContentLength(); {
	case length > r.o.MaxBodyBytes:
		// As if its sender had asked, which is the one question that the server answers before a body: see expect.
		h.Set(fiber.HeaderExpect, "100-continue")
	case length == noLength && bytes.Contains(bytes.ToLower(h.RawHeaders()), []byte("transfer-encoding")):
		// The coding "identity", which the server leaves out: then it takes the body for the next request.
		h.SetConnectionClose()
	}
	return none
}

// noLength is what the server calls the length of a request with neither a length nor a transfer coding.
const noLength = -2

// expect answers "Expect: 100-continue".
func (r *Receiver) expect(ctx *fasthttp.RequestCtx) (status int) {
	if ctx.Request.Header.ContentLength() > r.o.MaxBodyBytes {
		r.logRefusal(http.StatusRequestEntityTooLarge, errTooLarge)
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusContinue
}

// signatureOf returns the signature, without the blanks and tabs around it; "" if there is not exactly one, because which
// of several counts would be a guess, or if it is not 64 digits of lower-case hex. It must be called before the body is
// read: a trailer is no header.
func signatureOf(h *fasthttp.RequestHeader) string {
	values := h.PeekAll(SignatureHeader)
	if len(values) != 1 {
		return ""
	}
	signature := strings.Trim(string(values[0]), " \t")
	if len(signature) != 64 || strings.Trim(signature, "0123456789abcdef") != "" {
		return ""
	}
	return signature
}
