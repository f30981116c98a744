package receiver

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// ready answers whether an event can be accepted now. However long the checks take, the connection may be closed for a new
// one: probes must not keep out deliveries.
func (r *Receiver) ready(c *fiber.Ctx) error {
	readiness, ok := r.o.Ready.Ask(connOf(c.Context()).replaced())
	if !ok { // the connection was closed; without this, more requests could wait here than MaxConnections
		c.Context().SetConnectionClose()
		return nil
	}
	if !readiness.Ready {
		c.Status(http.StatusServiceUnavailable)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(readiness)
}
