package receiver

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"inorder"
	"inorder/internal/delivery"
	"inorder/internal/telemetry"
)

// receive answers one delivery: form of the signature, size, signature, parse, accept, answer. Its errors go to refuse.
func (r *Receiver) receive(c *fiber.Ctx) error {
	began := time.Now()
	signature := delivery.Signature(c.Request().Header.PeekAll(delivery.SignatureHeader))
	body, err := r.read(c, signature)
	if err != nil {
		return err
	}
	defer body.release()
	// Verify the bytes as they came: the signature is over them, whatever the Content-Encoding.
	if !r.o.Verifier.Verify(body.bytes, signature) {
		return &refusal{error: errSignature, detail: "the signature matches no valid secret", body: body}
	}
	connOf(c.Context()).whole()
	e, err := Parse(body.bytes)
	if err != nil && delivery.IsProbe(body.bytes) { // it must raise no alert, and needs no explanation
		return &refusal{error: errProbe, detail: err.Error()}
	}
	if err != nil {
		return &refusal{error: errInvalid, detail: err.Error(), event: e, body: body}
	}
	e.ReceivedAt = r.o.Now().UTC()
	if r.o.Refused != nil && r.o.Refused.AsksAddress(e.ReceivedAt) {
		r.o.Refused.Delivered(r.clientOf(c.Context()), e.ReceivedAt)
	}

	ctx := r.span(c).Event(e, c.Get("traceparent"))
	result, err := r.ways.accept(ctx, e)
	if err != nil {
		return &refusal{error: errNotAccepted, detail: err.Error(), event: e, body: body}
	}
	r.acknowledged(result, began)
	r.o.Traffic.Event(e.Type, e.ReceivedAt)
	if result == delivery.ResultDuplicate && r.o.Duplicate != nil {
		r.o.Duplicate(e)
	}
	if r.o.Log.Enabled(ctx, slog.LevelDebug) {
		r.o.Log.DebugContext(ctx, "delivery "+result, telemetry.Attrs(e)...)
	}
	c.Set(delivery.ResultHeader, result)
	return c.SendString("OK")
}

// read reads the body into r.signed or r.unsigned, the memory for requests with and without a well-formed signature. A request
// without one is refused whatever its body is; the body is read only so that the connection can be used again.
func (r *Receiver) read(c *fiber.Ctx, signature string) (*body, error) {
	if signature != "" {
		return r.signed.read(c.Context())
	}
	const why = "the request has no single signature of 64 lower-case hex digits"
	body, err := r.unsigned.read(c.Context())
	switch {
	case errors.Is(err, errNoRoom):
		return nil, &refusal{error: errors.Join(errSignature, err), detail: why + ", and " + err.Error()}
	case err != nil:
		return nil, err
	}
	body.release()
	return nil, &refusal{error: errSignature, detail: why, body: body}
}

// Parse reads the event of a delivery. Its error says in one line, without quoting the body, why the body is no event. An event whose ID or
// type is reserved for our own events is returned together with an error: the platform must not send it.
func Parse(body []byte) (inorder.Event, error) {
	const ours = ", which is reserved for inorder's own events"
	e, err := inorder.ParseEvent(body)
	switch {
	case err != nil:
		return inorder.Event{}, err
	case strings.HasPrefix(e.ID, inorder.OwnIDPrefix):
		return e, errors.New("id must not begin with " + inorder.OwnIDPrefix + ours)
	case e.Type == inorder.TypeReconciled:
		return e, errors.New("type must not be " + inorder.TypeReconciled + ours)
	}
	return e, nil
}
