// Package ready determines whether a process can do its work now, by asking the servers that it depends on. The receiver and
// package admin serve the answer at Path.
package ready

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"inorder/internal/loglimit"
)

// The paths of the two probes, at LISTEN_ADDR and at ADMIN_ADDR. Neither requires a token, because the answers contain
// nothing secret or personal.
const (
	Path       = "/readyz"  // a Readiness as JSON, with 200 if the process is ready, else 503
	HealthPath = "/healthz" // 200 as long as the process is alive
)

// Check checks whether a dependency answers.
type Check struct {
	Name     string                          // in the Readiness, such as "postgres"
	Server   string                          // in the log, such as "PostgreSQL at 127.0.0.1:5432"; default Name
	Run      func(ctx context.Context) error // it should end when ctx does
	Required bool                            // whether this process can't work without the dependency
	Way      string                          // the way in for events that it opens, such as "inbox": one open way is enough; "" for none
}

// Readiness contains only states, because anyone may ask. The causes are in the log.
type Readiness struct {
	Ready        bool                  `json:"ready"`
	Dependencies map[string]Dependency `json:"dependencies"`
	Ways         map[string]string     `json:"ways,omitempty"` // the ways in for events, each WayOpen or WayClosed
}

// Dependency is the state of one dependency.
type Dependency struct {
	State    string `json:"state"` // StateOK or StateFailing
	Required bool   `json:"required"`
}

// The states of a dependency, and of a way in.
const (
	StateOK      = "ok"
	StateFailing = "failing" // or without an answer for 2 s

	WayOpen   = "open"
	WayClosed = "closed"
)

// Prober runs the checks for all callers. Each check runs at most once at a time, however long it hangs, and a result is shared
// for a second, so that frequent calls put no load on the dependencies.
type Prober struct {
	probes  []*probe
	log     *loglimit.Logger
	timeout time.Duration // of a poll
	fresh   time.Duration // how long a poll's result is shared

	polls singleflight.Group
	// Only the poll under way uses these.
	last  Readiness
	ended time.Time
}

// New returns a Prober that logs each change of a dependency's state. Without checks it is always ready.
func New(checks []Check, log *loglimit.Logger) *Prober {
	p := &Prober{log: log, timeout: 2 * time.Second, fresh: time.Second}
	for _, check := range checks {
		check.Server = cmp.Or(check.Server, check.Name)
		p.probes = append(p.probes, &probe{Check: check})
	}
	return p
}

// Ask returns the readiness within 2 s. ok is false if gone is closed before that.
func (p *Prober) Ask(gone <-chan struct{}) (r Readiness, ok bool) {
	answer := p.polls.DoChan("", func() (any, error) {
		if p.ended.IsZero() || time.Since(p.ended) >= p.fresh {
			p.last = p.poll()
			p.ended = time.Now()
		}
		return p.last, nil
	})
	select {
	case shared := <-answer:
		return shared.Val.(Readiness), true
	case <-gone:
		return Readiness{}, false
	}
}

// poll runs all checks at once.
func (p *Prober) poll() Readiness {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	errs := make([]error, len(p.probes))
	var all sync.WaitGroup
	for i, probe := range p.probes {
		all.Go(func() { errs[i] = probe.run(ctx) })
	}
	all.Wait()
	r := Readiness{Ready: true, Dependencies: map[string]Dependency{}}
	for i, probe := range p.probes {
		state, way := StateOK, WayOpen
		if errs[i] != nil {
			state, way = StateFailing, WayClosed
			r.Ready = r.Ready && !probe.Required
		}
		p.note(probe, state, errs[i])
		r.Dependencies[probe.Name] = Dependency{state, probe.Required}
		if probe.Way != "" {
			if r.Ways == nil {
				r.Ways = map[string]string{}
			}
			r.Ways[probe.Way] = way
		}
	}
	r.Ready = r.Ready && (r.Ways == nil || slices.Contains(slices.Collect(maps.Values(r.Ways)), WayOpen))
	return r
}

// note logs a change of state. A dependency that is ok at the first poll is not logged.
func (p *Prober) note(probe *probe, state string, cause error) {
	before := cmp.Or(probe.state, StateOK)
	probe.state = state
	switch {
	case state == before:
	case state == StateFailing:
		p.log.Log(slog.LevelWarn, "failing "+probe.Name, "a dependency does not answer", "dependency", probe.Name,
			"cause", Cause(probe.Server, p.timeout, cause))
	default:
		p.log.Log(slog.LevelInfo, "ok "+probe.Name, "a dependency answers again", "dependency", probe.Name)
	}
}

// probe is a check and its last state. Only the poll under way uses it.
type probe struct {
	Check
	state  string     // "" before the first poll
	result chan error // of the run that has been hanging since an earlier poll; nil if there is none
}

// run starts the check, unless an earlier run still hangs, and returns its error, or that of ctx.
func (p *probe) run(ctx context.Context) error {
	select {
	case <-p.result: // the earlier run hung, and its result is about the past
		p.result = nil
	default:
	}
	if p.result == nil {
		result := make(chan error, 1)
		p.result = result
		go func() { result <- p.Run(ctx) }()
	}
	select {
	case err := <-p.result:
		p.result = nil
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
