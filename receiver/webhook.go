package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/api/serviceerror"

	"inorder"
	"inorder/internal/delivery"
	"inorder/workflows"
)

var refusedSignatures = promauto.NewCounter(prometheus.CounterOpts{
	Name: "inorder_signatures_refused_total",
	Help: "Deliveries that were answered 401: their signature was missing, malformed or by no valid secret.",
})

// receive answers one delivery: signature's form, size, signature, parse, accept, answer.
func (r *Receiver) receive(c *fiber.Ctx) error {
	signature := delivery.Signature(c.Request().Header.PeekAll(delivery.SignatureHeader))
	body, err := r.read(c, signature)
	if err != nil {
		return err
	}
	defer body.release()
	// The bytes as they came: a Content-Encoding changes nothing about what was signed.
	if !r.o.Verifier.Verify(body.bytes, signature) {
		body.discard()
		return fmt.Errorf("%w: it matches no secret", errSignature)
	}
	connOf(c.Context()).whole()
	e, err := parse(body.bytes)
	if err != nil {
		return &invalidEventError{err}
	}
	e.ReceivedAt = r.o.Now().UTC()

	result, err := r.accept(e)
	if err != nil {
		return &notAcceptedError{e, err}
	}
	if result == delivery.ResultDuplicate && r.o.Duplicate != nil {
		r.o.Duplicate(e)
	}
	if r.o.Log.Enabled(context.Background(), slog.LevelDebug) {
		r.o.Log.Debug("delivery "+result, eventAttrs(e)...)
	}
	c.Set(delivery.ResultHeader, result)
	return c.SendString("OK")
}

// read reads the body, in the memory that a request with such a signature may use. One without a signature is refused
// whatever becomes of its body, which is read so that the connection can be used again.
func (r *Receiver) read(c *fiber.Ctx, signature string) (*body, error) {
	if signature != "" {
		return r.signed.read(c.Context())
	}
	body, err := r.unsigned.read(c.Context())
	switch {
	case errors.Is(err, errNoRoom):
		return nil, fmt.Errorf("%w: %s, and %w", errSignature, noSignature, err)
	case err != nil:
		return nil, err
	}
	body.discard()
	return nil, fmt.Errorf("%w: %s", errSignature, noSignature)
}

const noSignature = "there is not exactly one, of 64 digits of lower-case hex"

// parse reads the event of a delivery. What is named as only our own events are is not the platform's to send.
func parse(body []byte) (inorder.Event, error) {
	e, err := inorder.ParseEvent(body)
	switch {
	case err != nil:
		return inorder.Event{}, err
	case strings.HasPrefix(e.ID, inorder.OwnIDPrefix):
		return inorder.Event{}, errors.New("id must not begin with " + inorder.OwnIDPrefix + ", which is for events that the receiver's side makes itself")
	case e.Type == inorder.TypeReconciled:
		return inorder.Event{}, errors.New("type must not be " + inorder.TypeReconciled + ", which is for events that the receiver's side makes itself")
	}
	return e, nil
}

// accept makes the event durable, and returns the delivery's result. It is the one way in.
func (r *Receiver) accept(e inorder.Event) (string, error) {
	return r.start(e)
}

// start makes the event durable, once: that Temporal knows the event already is a result, too.
func (r *Receiver) start(e inorder.Event) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.o.StartTimeout)
	defer cancel()
	select {
	case r.starts <- struct{}{}:
		defer func() { <-r.starts }()
	case <-ctx.Done():
		return "", fmt.Errorf("%s kept this event waiting for %s: %d other starts are under way", r.o.StarterName, r.o.StartTimeout, cap(r.starts))
	}
	options, body, receipt := workflows.StartRequest(r.o.TaskQueue, e)
	_, err := r.o.Starter.ExecuteWorkflow(ctx, options, workflows.ProcessEventType, body, receipt)
	var known *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &known):
		return delivery.ResultDuplicate, nil
	case aboutSearchAttributes(err):
		return "", fmt.Errorf("%s does not know the search attributes: run `inorder migrate`", r.o.StarterName)
	case err != nil:
		return "", errors.New(sentence(r.o.StarterName, r.o.StartTimeout, err))
	}
	return delivery.ResultAccepted, nil
}

// aboutSearchAttributes goes by text, because Temporal has no code for it; it only chooses what the log says.
func aboutSearchAttributes(err error) bool {
	var invalid *serviceerror.InvalidArgument
	return errors.As(err, &invalid) && strings.Contains(strings.ToLower(invalid.Message), "search attribute")
}

func eventAttrs(e inorder.Event) []any {
	return []any{"event_id", e.ID, "event_type", e.Type, "order_id", e.OrderID()}
}
