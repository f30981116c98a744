package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"inorder/internal/loglimit"
)

// Check looks whether a dependency answers. It should end when ctx does.
type Check struct {
	Name     string
	Run      func(ctx context.Context) error
	Required bool // without it this process cannot do its work
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

// prober answers ReadyPath. At any moment it runs each check once at most, however many ask, and however long one hangs.
type prober struct {
	checks  []Check
	timeout time.Duration
	log     *slog.Logger
	probe   singleflight.Group

	mu      sync.Mutex
	running map[string]chan struct{} // by the check's name; closed at its end
	last    map[string]error         // of each check's last end, for those that wait for it
	state   map[string]string        // as logged
}

func newProber(checks []Check, timeout time.Duration, log *slog.Logger) *prober {
	return &prober{checks: checks, timeout: timeout, log: log,
		running: map[string]chan struct{}{}, last: map[string]error{}, state: map[string]string{}}
}

func (p *prober) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	shared, _, _ := p.probe.Do("", func() (any, error) { return p.look(), nil })
	readiness := shared.(Readiness)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !readiness.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(readiness)
}

// look runs all checks at once, and waits for none beyond the timeout.
func (p *prober) look() Readiness {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	errs := make([]error, len(p.checks))
	var all sync.WaitGroup
	for i, check := range p.checks {
		all.Go(func() { errs[i] = p.run(ctx, check) })
	}
	all.Wait()
	readiness := Readiness{Ready: true, Dependencies: map[string]Dependency{}}
	for i, check := range p.checks {
		d := Dependency{State: StateOK, Required: check.Required}
		if errs[i] != nil {
			d.State = StateFailing
			readiness.Ready = readiness.Ready && !check.Required
		}
		p.logChange(check.Name, d.State, errs[i])
		readiness.Dependencies[check.Name] = d
	}
	return readiness
}

// run begins the check, unless it hangs since an earlier look, and returns its error or that of ctx.
func (p *prober) run(ctx context.Context, check Check) error {
	p.mu.Lock()
	done := p.running[check.Name]
	if done == nil {
		done = make(chan struct{})
		p.running[check.Name] = done
		go func() {
			err := check.Run(ctx)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.last[check.Name] = err
			delete(p.running, check.Name)
			close(done)
		}()
	}
	p.mu.Unlock()
	select {
	case <-done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.last[check.Name]
	case <-ctx.Done():
		return ctx.Err()
	}
}

// logChange logs a state once, and not for everybody who asks. The first look is silent about what is well.
func (p *prober) logChange(name, state string, cause error) {
	p.mu.Lock()
	before, known := p.state[name]
	p.state[name] = state
	p.mu.Unlock()
	switch {
	case state == before:
	case state == StateFailing:
		p.log.Warn("a dependency does not answer", "dependency", name, "cause", loglimit.OneLine(cause))
	case known:
		p.log.Info("a dependency answers again", "dependency", name)
	}
}
