package receiver

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Check looks whether a dependency answers.
type Check struct {
	Run func(ctx context.Context) error
	// Required says that no event can be accepted without the dependency.
	Required bool
	// Name is how the log calls it, such as "PostgreSQL at 127.0.0.1:5432". Default: what it is called in Checks.
	Name string
}

// Readiness is what ReadyPath answers: 200 if Ready, else 503. It says no more than states, because anyone may ask.
type Readiness struct {
	Ready        bool                  `json:"ready"`
	Dependencies map[string]Dependency `json:"dependencies"`
}

// Dependency is the state of one dependency; why it fails is in the log.
type Dependency struct {
	State    string `json:"state"` // StateOK or StateFailing
	Required bool   `json:"required"`
}

// The states of a dependency.
const (
	StateOK      = "ok"
	StateFailing = "failing" // or without an answer for 2 s
)

const checkTimeout = 2 * time.Second

// ready answers whether an event can be accepted now. Those who ask at the same time share one look, so that asking
// often is no load on what is looked at.
func (r *Receiver) ready(c *fiber.Ctx) error {
	connOf(c.Context()).whole()
	shared, _, _ := r.probe.Do("", func() (any, error) { return r.look(checkTimeout), nil })
	readiness := shared.(Readiness)
	if !readiness.Ready {
		c.Status(http.StatusServiceUnavailable)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(readiness)
}

// look runs all checks at once, and does not wait for one that ignores its time-out.
func (r *Receiver) look(timeout time.Duration) Readiness {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(r.o.Checks))
	errs := map[string]error{}
	for name, check := range r.o.Checks {
		errs[name] = context.DeadlineExceeded
		go func() { results <- result{name, check.Run(ctx)} }()
	}
	for range r.o.Checks {
		select {
		case done := <-results:
			errs[done.name] = done.err
		case <-ctx.Done():
		}
	}
	readiness := Readiness{Ready: true, Dependencies: map[string]Dependency{}}
	for name, check := range r.o.Checks {
		d := Dependency{State: StateOK, Required: check.Required}
		if err := errs[name]; err != nil {
			d.State = StateFailing
			readiness.Ready = readiness.Ready && !check.Required
			r.log.Log(slog.LevelWarn, "dependency "+name, "a dependency does not answer", "dependency", name,
				"cause", sentence(cmp.Or(check.Name, name), timeout, err))
		}
		readiness.Dependencies[name] = d
	}
	return readiness
}
