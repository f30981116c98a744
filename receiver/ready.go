package receiver

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// ready answers whether an event can be accepted now. Its connection may still be closed for a new one, however long the
// checks take: probes must not keep out deliveries.
func (r *Receiver) ready(c *fiber.Ctx) error {
	readiness, ok := r.o.Ready.Ask(connOf(c.Context()).replaced())
	if !ok { // else more would wait here than there may be connections
		c.Context().SetConnectionClose()
		return nil
	}
	if !readiness.Ready {
		c.Status(http.StatusServiceUnavailable)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(readiness)
}
