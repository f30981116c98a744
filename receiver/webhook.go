package receiver

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/serviceerror"

	"inorder"
	"inorder/workflows"
)

// ResultHeader says what became of an accepted delivery.
const ResultHeader = "Inorder-Result"

const (
	resultAccepted  = "accepted"
	resultDuplicate = "duplicate"
)

type handler struct{ Options }

// webhook takes one delivery: signature, parse, start, answer. A 2xx is sent only once Temporal has the event on disk.
func (h handler) webhook(c *fiber.Ctx) error {
	raw := c.BodyRaw() // Body would decompress, and the signature is over what was sent
	if !h.authentic(raw, c.Get(SignatureHeader)) {
		return errSignature
	}
	e, err := inorder.ParseEvent(bytes.Clone(raw)) // fiber reuses its buffers
	if err != nil {
		return &badEventError{err}
	}
	e.ReceivedAt = h.Now().UTC()

	result := resultAccepted
	ctx, cancel := context.WithTimeout(context.Background(), h.StartTimeout)
	defer cancel()
	options, body, receipt := workflows.Start(h.TaskQueue, e)
	_, err = h.Starter.ExecuteWorkflow(ctx, options, workflows.ProcessEventType, body, receipt)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		result = resultDuplicate
	} else if err != nil {
		return &startError{event: e, cause: err}
	}
	h.Log.Debug("event "+result, "event_id", e.ID, "event_type", e.Type)
	c.Set(ResultHeader, result)
	return c.SendString("OK")
}

// authentic tries every secret, so that how long it takes does not tell which one matched.
func (h handler) authentic(body []byte, signature string) bool {
	ok := false
	for _, secret := range h.Secrets() {
		ok = Verify(secret, body, signature) || ok
	}
	return ok
}

// hint says what to do about a start that Temporal refuses for good.
func hint(err error) string {
	var invalid *serviceerror.InvalidArgument
	if errors.As(err, &invalid) && strings.Contains(strings.ToLower(invalid.Message), "search attribute") {
		return "run `inorder migrate`, which registers the search attributes"
	}
	return ""
}
