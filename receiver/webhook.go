package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/api/serviceerror"

	"inorder"
	"inorder/workflows"
)

var refusedSignatures = promauto.NewCounter(prometheus.CounterOpts{
	Name: "inorder_signatures_refused_total",
	Help: "Deliveries that were answered 401: their signature was missing, malformed or by no valid secret.",
})

// receive answers one delivery: size, which the server has checked, then signature, parse, start, answer.
func (r *Receiver) receive(c *fiber.Ctx) error {
	if err := r.authenticate(c); err != nil {
		refusedSignatures.Inc()
		return err
	}
	// A copy, because the server reuses its buffer for the next request.
	e, err := inorder.ParseEvent(bytes.Clone(c.BodyRaw()))
	if err != nil {
		return &invalidEventError{err}
	}
	e.ReceivedAt = r.o.Now().UTC()

	result, err := r.start(e)
	if err != nil {
		return &notStartedError{e, err}
	}
	if r.o.Log.Enabled(context.Background(), slog.LevelDebug) {
		r.o.Log.Debug("delivery "+result, eventAttrs(e)...)
	}
	c.Set(ResultHeader, result)
	return c.SendString("OK")
}

// authenticate verifies the bytes as they came: a Content-Encoding changes nothing about what was signed. Exactly one
// signature is taken, because which of several counts would be a guess.
func (r *Receiver) authenticate(c *fiber.Ctx) error {
	signatures := c.Request().Header.PeekAll(SignatureHeader)
	if len(signatures) != 1 {
		return fmt.Errorf("%w: %d headers instead of one", errSignature, len(signatures))
	}
	if !r.o.Verifier.Verify(c.BodyRaw(), string(signatures[0])) {
		return fmt.Errorf("%w: it matches no secret", errSignature)
	}
	return nil
}

// start makes the event durable, once: that Temporal knows the event already is a result, too.
func (r *Receiver) start(e inorder.Event) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.o.StartTimeout)
	defer cancel()
	select {
	case r.starts <- struct{}{}:
		defer func() { <-r.starts }()
	case <-ctx.Done():
		return "", fmt.Errorf("%d other starts are under way: %w", cap(r.starts), ctx.Err())
	}
	options, body, receipt := workflows.Start(r.o.TaskQueue, e)
	_, err := r.o.Starter.ExecuteWorkflow(ctx, options, workflows.ProcessEventType, body, receipt)
	var known *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &known):
		return ResultDuplicate, nil
	case err != nil:
		return "", err
	}
	return ResultAccepted, nil
}

func eventAttrs(e inorder.Event) []any {
	return []any{"event_id", e.ID, "event_type", e.Type, "order_id", e.OrderID()}
}
