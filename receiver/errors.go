package receiver

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"inorder"
)

// retryAfter is in seconds. Short, because a start that fails is mostly a restart or a burst.
const retryAfter = "5"

var errSignature = errors.New("invalid signature")

// invalidEventError is an authentic body that cannot be an event.
type invalidEventError struct{ reason error }

func (e *invalidEventError) Error() string { return e.reason.Error() }

// notAcceptedError is an event that no way in took, or not in time. The cause is a sentence.
type notAcceptedError struct {
	event inorder.Event
	cause error
}

func (e *notAcceptedError) Error() string {
	return fmt.Sprintf("accept event %s: %v", e.event.ID, e.cause)
}

// answer maps an error to what the caller is told; the first match wins. The line is never an error's text, but for
// parse's, which is written for the sender.
func answer(err error) (status int, line string) {
	var (
		invalid     *invalidEventError
		notAccepted *notAcceptedError
		edge        *fiber.Error // by fiber itself: no such path, too slow, ...
	)
	switch {
	case errors.Is(err, errSignature):
		return http.StatusUnauthorized, "Invalid signature"
	case errors.As(err, &invalid):
		return http.StatusBadRequest, invalid.Error()
	case errors.As(err, &notAccepted), errors.Is(err, errNoRoom):
		status = http.StatusServiceUnavailable
	case errors.Is(err, errTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errCutShort), errors.Is(err, fiber.ErrBadGateway): // what fiber calls a sender that went away
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
	r.logRefusal(status, err)
	if status == http.StatusUnauthorized {
		r.o.Metrics.refusedSignatures.Inc()
	}
	if status == http.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, retryAfter)
	}
	if bodyIsUnread(err) {
		c.Context().SetConnectionClose()
	}
	return c.Status(status).SendString(line)
}

// bodyIsUnread reports whether nobody knows where on the connection the next request begins.
func bodyIsUnread(err error) bool {
	return errors.Is(err, errTooLarge) || errors.Is(err, errNoRoom) || errors.Is(err, errCutShort) || errors.Is(err, fiber.ErrRequestTimeout)
}

func (r *Receiver) logRefusal(status int, err error) {
	var notAccepted *notAcceptedError
	var edge *fiber.Error
	switch {
	case errors.As(err, &notAccepted):
		r.log.Log(slog.LevelError, "not accepted", "event not accepted", append(eventAttrs(notAccepted.event), "cause", notAccepted.cause)...)
	case status == http.StatusInternalServerError:
		r.log.Log(slog.LevelError, "failed", "request failed", "cause", err)
	case errors.Is(err, errTooLarge):
		r.log.Log(slog.LevelWarn, "too large", "delivery refused: its body is over the limit", "max_body_bytes", r.o.MaxBodyBytes)
	case errors.Is(err, errSignature):
		r.log.Log(slog.LevelWarn, "signature", "delivery refused", "status", status, "cause", err)
	case errors.Is(err, errNoRoom):
		r.log.Log(slog.LevelWarn, "no room", "delivery refused: the memory for bodies is spent", "max_body_memory", r.o.MaxBodyMemory)
	case errors.As(err, &edge), errors.Is(err, errCutShort):
		// Not its text: the server quotes headers there.
		r.log.Log(slog.LevelDebug, "edge", "request refused", "status", status)
	default:
		r.log.Log(slog.LevelWarn, "invalid", "delivery refused", "status", status, "cause", err)
	}
}
