package receiver

import (
	"context"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Check asks one dependency whether it answers.
type Check struct {
	Name   string
	Needed bool // no event can be accepted without it
	Ask    func(context.Context) error
}

const checkTimeout = 2 * time.Second

// ready says whether an event would be accepted now, and how each dependency is. It gives no cause: that is for the log.
func (h handler) ready(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	errs := make([]error, len(h.Checks))
	var wg sync.WaitGroup
	for i, check := range h.Checks {
		wg.Go(func() { errs[i] = check.Ask(ctx) })
	}
	wg.Wait()

	ready, states := true, fiber.Map{}
	for i, check := range h.Checks {
		states[check.Name] = "up"
		if errs[i] != nil {
			states[check.Name] = "down"
			ready = ready && !check.Needed
			h.Log.Warn("dependency is down", "dependency", check.Name, "error", errs[i])
		}
	}
	if !ready {
		c.Status(fiber.StatusServiceUnavailable)
	}
	return c.JSON(fiber.Map{"ready": ready, "dependencies": states})
}
