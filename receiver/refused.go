package receiver

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"time"

	"github.com/valyala/fasthttp"

	"inorder/internal/refused"
)

// Refused keeps samples of refused deliveries; *refused.Keeper implements it. Its methods run before the answer is sent, so they must not block.
type Refused interface {
	// AsksAddress reports whether Delivered should be called for this authentic delivery. It seldom returns true.
	AsksAddress(now time.Time) bool
	Delivered(client netip.Addr, now time.Time)
	// Admit reports whether Keep must be called for a refusal, before the costly work of collecting what Keep needs.
	Admit(authentic bool, client netip.Addr, bytes int) (refused.Place, bool)
	Keep(at refused.Place, r refused.Refusal)
}

// keep hands a refusal over to Refused if there is room for it; otherwise it recycles the body.
func (r *Receiver) keep(ctx *fasthttp.RequestCtx, a answer, err error) {
	why, _ := errors.AsType[*refusal](err)
	if why == nil {
		why = &refusal{error: err, detail: err.Error()}
	}
	if r.o.Refused == nil || a.result == "" {
		why.forget()
		return
	}
	client, body := r.clientOf(ctx), why.bytes()
	authentic := errors.Is(err, errInvalid) || errors.Is(err, errNotAccepted)
	place, ok := r.o.Refused.Admit(authentic, client, len(body))
	if !ok {
		why.forget()
		return
	}
	size := int64(len(body))
	if body == nil {
		size = max(-1, int64(ctx.Request.Header.ContentLength()))
	}
	r.o.Refused.Keep(place, refused.Refusal{
		Delivery:  refused.Delivery{Header: headerOf(ctx), Body: body, At: r.o.Now().UTC()},
		Reason:    refused.Reason(a.result),
		Status:    a.status,
		Client:    client,
		Bytes:     size,
		Authentic: authentic,
		Detail:    why.detail,
	})
}

// bytes returns the body, which then belongs to the caller; nil if it was not read.
func (e *refusal) bytes() []byte {
	switch {
	case e.body == nil:
		return nil
	case e.body.bytes == nil:
		return []byte{}
	}
	return e.body.bytes[:len(e.body.bytes):len(e.body.bytes)]
}

// forget recycles the body if nobody else holds it. The body of an authentic event may still be on its way to Temporal.
func (e *refusal) forget() {
	if e.body != nil && errors.Is(e, errSignature) {
		e.body.discard()
	}
}

// headerOf returns the headers as they came: without trailers, and not as the server has normalized them.
func headerOf(ctx *fasthttp.RequestCtx) http.Header {
	raw := io.MultiReader(bytes.NewReader(ctx.Request.Header.RawHeaders()), bytes.NewReader([]byte("\r\n\r\n")))
	h, _ := textproto.NewReader(bufio.NewReader(raw)).ReadMIMEHeader() // what was read before an error suffices
	return http.Header(h)
}

// clientOf returns the address that a request comes from; the zero Addr in tests without a connection.
func (r *Receiver) clientOf(ctx *fasthttp.RequestCtx) netip.Addr {
	peer, _ := ctx.RemoteAddr().(*net.TCPAddr)
	return clientOf(peer.AddrPort().Addr(), ctx.Request.Header.RawHeaders(), r.o.TrustedProxies)
}
