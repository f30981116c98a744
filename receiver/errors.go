package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/serviceerror"

	"inorder"
)

// retryAfter is in seconds. Short, because a start that fails is mostly a restart or a burst.
const retryAfter = "5"

var errSignature = errors.New("invalid signature")

// invalidEventError is an authentic body that cannot be an event.
type invalidEventError struct{ reason error }

func (e *invalidEventError) Error() string { return e.reason.Error() }

// notStartedError is an event that Temporal did not take, or not in time.
type notStartedError struct {
	event inorder.Event
	cause error
}

func (e *notStartedError) Error() string {
	return fmt.Sprintf("start event %s: %v", e.event.ID, e.cause)
}

// answer maps an error to what the caller is told; the first match wins. The line is never an error's text, but for
// ParseEvent's, which is written for the sender.
func answer(err error) (status int, line string) {
	var (
		invalid    *invalidEventError
		notStarted *notStartedError
		edge       *fiber.Error // by fiber itself: no such path, too large, too slow, ...
	)
	switch {
	case errors.Is(err, errSignature):
		return http.StatusUnauthorized, "Invalid signature"
	case errors.As(err, &invalid):
		return http.StatusBadRequest, invalid.Error()
	case errors.As(err, &notStarted):
		status = http.StatusServiceUnavailable
	case errors.Is(err, fiber.ErrBadGateway): // what fiber calls a sender that went away
		status = http.StatusBadRequest
	case errors.As(err, &edge) && edge.Code < 500:
		status = edge.Code
	default:
		status = http.StatusInternalServerError
	}
	return status, http.StatusText(status)
}

// refuse is where every error ends: it logs the cause and answers.
func (r *Receiver) refuse(c *fiber.Ctx, err error) error {
	status, line := answer(err)
	r.logRefusal(c, status, err)
	switch status {
	case http.StatusServiceUnavailable:
		c.Set(fiber.HeaderRetryAfter, retryAfter)
	case http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge:
		linger(c.Context().Conn())
	}
	return c.Status(status).SendString(line)
}

func (r *Receiver) logRefusal(c *fiber.Ctx, status int, err error) {
	var notStarted *notStartedError
	var edge *fiber.Error
	switch {
	case errors.As(err, &notStarted):
		message := "event not started"
		if aboutSearchAttributes(notStarted.cause) {
			message = "event not started: Temporal does not know the search attributes; run `inorder migrate`"
		}
		r.o.Log.Error(message, append(eventAttrs(notStarted.event), "cause", notStarted.cause)...)
	case status == http.StatusInternalServerError:
		r.o.Log.Error("request failed", "cause", err)
	case status == http.StatusRequestEntityTooLarge:
		r.o.Log.Warn("delivery refused: its body is over the limit", "max_body_bytes", r.o.MaxBodyBytes)
	case errors.As(err, &edge):
		// Not its text: the server quotes headers there.
		r.o.Log.Log(context.Background(), slog.LevelDebug, "request refused", "status", status)
	default:
		r.o.Log.Warn("delivery refused", "status", status, "cause", err, "body_bytes", len(c.BodyRaw()))
	}
}

// aboutSearchAttributes goes by text, because Temporal has no code for it; it only chooses a log line.
func aboutSearchAttributes(err error) bool {
	var invalid *serviceerror.InvalidArgument
	return errors.As(err, &invalid) && strings.Contains(strings.ToLower(invalid.Message), "search attribute")
}
