package receiver

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v2"

	"inorder"
	"inorder/internal/telemetry"
	"inorder/internal/traffic"
)

// Why a delivery is refused.
var (
	errSignature   = errors.New("invalid signature")
	errInvalid     = errors.New("not an event")
	errProbe       = errors.New("a probe from inorder doctor")
	errNotAccepted = errors.New("the event could not be made durable in time")
	errNoRoom      = errors.New("the memory for request bodies is used up (MAX_BODY_MEMORY)")
	errTooLarge    = errors.New("the body exceeds MAX_BODY_BYTES")
	errCutShort    = errors.New("the body is cut short or malformed")
)

// answer is what the sender of a refused request gets, and how the refusal is logged.
type answer struct {
	err     error
	status  int
	line    string // the body; default the status's text. Never an error's text, except the detail of errInvalid and errProbe
	level   slog.Level
	message string
	result  string // under which the request is counted; "" if it is no delivery
}

// answers has the answer to each error; the first match counts. answerTo adds the answers to all other errors.
var answers = []answer{
	{errSignature, http.StatusUnauthorized, "Invalid signature", slog.LevelWarn, "delivery refused", traffic.BadSignature},
	{errInvalid, http.StatusBadRequest, "", slog.LevelWarn, "delivery refused", traffic.BadEvent},
	{errProbe, http.StatusBadRequest, "", slog.LevelInfo, "received a probe from inorder doctor", ""},
	{errNotAccepted, http.StatusServiceUnavailable, "", slog.LevelError, "event not accepted", traffic.Unavailable},
	{errNoRoom, http.StatusServiceUnavailable, "", slog.LevelWarn, "delivery refused", traffic.Unavailable},
	{errTooLarge, http.StatusRequestEntityTooLarge, "", slog.LevelWarn, "delivery refused", traffic.TooLarge},
	{errCutShort, http.StatusBadRequest, "", slog.LevelDebug, "request refused", ""},
	{fiber.ErrBadGateway, http.StatusBadRequest, "", slog.LevelDebug, "request refused", ""}, // fiber's name for a sender that went away
}

// unread are the errors that leave a body partly read: it is unknown where on the connection the next request begins.
var unread = []error{errNoRoom, errTooLarge, errCutShort, fiber.ErrRequestTimeout}

// retryAfter is in seconds. It is short, because most starts fail during a restart or a burst.
const retryAfter = "5"

// refusal is one of the errors above with its detail in words. The sender sees the detail only of errInvalid and errProbe.
type refusal struct {
	error
	detail string
	event  inorder.Event // of errNotAccepted, and of errInvalid if the body is an event; otherwise without an ID
	body   *body         // nil if it was not read
}

func (e *refusal) Unwrap() error { return e.error }

// answerTo returns the answer to an error, with its line filled in.
func answerTo(err error) (a answer) {
	edge, isEdge := errors.AsType[*fiber.Error](err) // fiber's own: no such path, too slow, ...
	switch i := slices.IndexFunc(answers, func(a answer) bool { return errors.Is(err, a.err) }); {
	case i >= 0:
		a = answers[i]
	case isEdge && edge.Code < 500:
		a = answer{status: edge.Code, level: slog.LevelDebug, message: "request refused"}
	default:
		a = answer{status: http.StatusInternalServerError, level: slog.LevelError, message: "request failed", result: traffic.Unavailable}
	}
	if refused, ok := errors.AsType[*refusal](err); ok && (a.err == errInvalid || a.err == errProbe) {
		a.line = refused.detail
	}
	a.line = cmp.Or(a.line, http.StatusText(a.status))
	return a
}

// refuse handles every error: it answers the request and logs why.
func (r *Receiver) refuse(c *fiber.Ctx, err error) error {
	a := answerTo(err)
	r.logRefusal(r.span(c).Context(), a, err)
	r.keep(c.Context(), a, err)
	r.refused(a)
	if a.status == http.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, retryAfter)
	}
	if slices.ContainsFunc(unread, func(u error) bool { return errors.Is(err, u) }) {
		c.Context().SetConnectionClose()
	}
	return c.Status(a.status).SendString(a.line)
}

// logRefusal logs each kind of refusal once, and then counts. It omits the text of fiber's errors, whose level is debug, because it quotes headers.
func (r *Receiver) logRefusal(ctx context.Context, a answer, err error) {
	kind, attrs := a.message, []any{"status", a.status}
	if a.err != nil {
		kind = a.err.Error()
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		if refused.event.ID != "" {
			attrs = append(attrs, telemetry.Attrs(refused.event)...)
		}
		attrs = append(attrs, "cause", refused.detail)
	} else if a.level > slog.LevelDebug {
		attrs = append(attrs, "cause", err)
	}
	r.log.LogContext(ctx, a.level, kind, a.message, attrs...)
}
