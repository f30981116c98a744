package receiver

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/singleflight"
)

// Check looks whether a dependency answers.
type Check struct {
	Run func(ctx context.Context) error
	// Required says that no event can be accepted without the dependency.
	Required bool
	// Name is how the log calls it, such as "PostgreSQL at 127.0.0.1:5432". Default: what it is called in Checks.
	Name string
}

// Readiness is what delivery.ReadyPath answers: 200 if Ready, else 503. It says no more than states, because anyone may ask.
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

// probe is the last look at the dependencies. Those who ask at the same time share one, and so do those who ask within
// freshFor of its end: anyone may ask, and asking often must be no load on what is looked at.
type probe struct {
	flight singleflight.Group

	// Only the function in flight uses these.
	last  Readiness
	ended time.Time
}

const freshFor = time.Second

func (p *probe) readiness(look func() Readiness) <-chan singleflight.Result {
	return p.flight.DoChan("", func() (any, error) {
		if p.ended.IsZero() || time.Since(p.ended) >= freshFor {
			p.last = look()
			p.ended = time.Now()
		}
		return p.last, nil
	})
}

// ready answers whether an event can be accepted now. It leaves the connection one that may be closed for a new one: who
// only asks must not keep out deliveries, however long the look takes.
func (r *Receiver) ready(c *fiber.Ctx) error {
	var readiness Readiness
	select {
	case shared := <-r.probe.readiness(func() Readiness { return r.look(checkTimeout) }):
		readiness = shared.Val.(Readiness)
	case <-connOf(c.Context()).replaced(): // or more would wait here than there may be connections
		c.Context().SetConnectionClose()
		return nil
	}
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
