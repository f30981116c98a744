package receiver

import (
	"errors"
	"log/slog"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"inorder"
)

// retryAfter is what a sender is told when Temporal does not take an event, in seconds.
const retryAfter = 5

var errSignature = errors.New("invalid signature")

// badEventError is an authentic body that cannot be an event. Its text is written for the sender.
type badEventError struct{ error }

// startError is an event that Temporal did not take in time.
type startError struct {
	event inorder.Event
	cause error
}

func (e *startError) Error() string { return e.cause.Error() }

// errorHandler is the one place that turns an error into an answer. What is not listed is a bare 500: the text of an
// error is for the log, never for the caller.
func errorHandler(log *slog.Logger) fiber.ErrorHandler {
	return func(c *fiber.Ctx, err error) error {
		var (
			bad   *badEventError
			start *startError
			own   *fiber.Error
		)
		switch {
		case errors.Is(err, errSignature):
			return c.Status(fiber.StatusUnauthorized).SendString("Invalid signature")
		case errors.As(err, &bad):
			return c.Status(fiber.StatusBadRequest).SendString(bad.Error())
		case errors.As(err, &start):
			log.Error("Temporal did not take the event; the sender is told to come back", "error", start.cause,
				"hint", hint(start.cause), "event_id", start.event.ID, "event_type", start.event.Type)
			c.Set(fiber.HeaderRetryAfter, strconv.Itoa(retryAfter))
			return c.SendStatus(fiber.StatusServiceUnavailable)
		case errors.As(err, &own):
			return c.SendStatus(own.Code) // fiber's own: 404, 405, 413, 431
		}
		log.Error("unexpected error", "error", err, "path", c.Path())
		return c.SendStatus(fiber.StatusInternalServerError)
	}
}
