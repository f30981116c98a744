package receiver

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"inorder/internal/delivery"
	"inorder/internal/telemetry"
)

// spanOf is the key of a request's span in fiber's locals.
type spanOf struct{}

// traced is receive with a span. The span ends with the answer's status, even if receive panics.
func (r *Receiver) traced(c *fiber.Ctx) (err error) {
	d := r.o.Tracing.Delivery(http.MethodPost, delivery.Path, c.Context().LocalAddr())
	c.Locals(spanOf{}, d)
	status, result := http.StatusInternalServerError, ""
	defer func() { d.End(status, result) }()
	if err = r.receive(c); err != nil { // refuse answers it
		a := answerTo(err)
		status, result = a.status, a.result
		return err
	}
	status, result = c.Response().StatusCode(), string(c.Response().Header.Peek(delivery.ResultHeader))
	return nil
}

// span returns the request's span, or nil if nothing is traced.
func (r *Receiver) span(c *fiber.Ctx) *telemetry.Delivery {
	if r.o.Tracing == nil {
		return nil
	}
	d, _ := c.Locals(spanOf{}).(*telemetry.Delivery)
	return d
}
