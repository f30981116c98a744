package inspect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"inorder/internal/api"
	"inorder/internal/ready"
	"inorder/internal/store/view"
	"inorder/internal/words"
)

// normal is how old an event may get in the inbox, or while it is applied, before it is a problem.
const normal = time.Minute

// asked has what the servers answered to Status.
type asked struct {
	view     view.Status
	noView   error
	applying applying
	away     error
	failing  []api.FailingTask
	noTasks  error
	servers  map[string]api.Dependency
}

// Status reports whether anything is wrong. It asks all servers at once. The error is always nil: Missing has the servers that did not answer.
func (i *Inspector) Status(ctx context.Context) (api.Status, error) {
	var a asked
	var all sync.WaitGroup
	all.Go(func() {
		a.view, a.noView = read(ctx, i, func(ctx context.Context, v *view.View) (view.Status, error) { return v.Status(ctx) })
	})
	all.Go(func() {
		a.applying, a.away = i.counted.ask(ctx, i.keep(), func(ctx context.Context) (applying, error) {
			return ask(ctx, i, func(ctx context.Context) (a applying, err error) {
				a.n, a.oldest, err = i.Engine.CountApplying(ctx)
				return a, err
			})
		})
	})
	all.Go(func() {
		a.failing, a.noTasks = i.failures.ask(ctx, i.keep(), func(ctx context.Context) ([]api.FailingTask, error) { return ask(ctx, i, i.Engine.Failing) })
	})
	all.Go(func() { a.servers = i.dependencies(ctx) })
	all.Wait()
	return a.status(time.Now()), nil
}

func (i *Inspector) dependencies(ctx context.Context) map[string]api.Dependency {
	servers := map[string]api.Dependency{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, check := range i.Checks {
		all.Go(func() {
			_, err := ask(ctx, i, func(ctx context.Context) (struct{}, error) { return struct{}{}, within(ctx, check.Run) })
			d := api.Dependency{State: ready.StateOK}
			if err != nil {
				d = api.Dependency{State: ready.StateFailing, Why: ready.Cause(check.Server, i.patience(), err)}
			}
			mu.Lock()
			defer mu.Unlock()
			servers[check.Name] = d
		})
	}
	all.Wait()
	return servers
}

// within runs f, and returns when f or ctx ends, whichever is first.
func within(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *asked) status(now time.Time) api.Status {
	s := api.Status{Problems: []string{}, States: map[api.State]api.Count{}, Outcomes: map[string]api.Count{}, Traffic: []api.Minute{}, LastEvents: map[string]time.Time{},
		Dependencies: a.servers, FailingTasks: append([]api.FailingTask{}, a.failing...)}
	if a.noView == nil {
		s.States, s.Outcomes, s.Traffic, s.LastEvents = a.view.States, a.view.Outcomes, a.view.Traffic, a.view.LastEvents
	}
	if a.away == nil {
		c := api.Count{Count: min(a.applying.n, api.MostCounted), More: a.applying.n > api.MostCounted}
		if !a.applying.oldest.IsZero() {
			c.OldestSeconds = max(0, now.Sub(a.applying.oldest).Seconds())
		}
		s.States[api.StateApplying] = c
	}
	lacks(&s.Missing, postgres, a.noView, "all counts but that of events being applied are missing, and so is the traffic")
	lacks(&s.Missing, temporal, a.away, "the number of events being applied is missing")
	if a.away == nil {
		lacks(&s.Missing, temporal, a.noTasks, "which workflows can't continue is not known")
	}
	s.Problems = append(s.Problems, a.problems(s)...)
	s.OK = len(s.Problems) == 0
	return s
}

// problems returns in words what needs a person, the most urgent first.
func (a *asked) problems(s api.Status) (all []string) {
	note := func(wrong bool, format string, args ...any) {
		if wrong {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Dependencies)) {
		d := s.Dependencies[name]
		note(d.State != ready.StateOK, "%s is failing: %s.", name, d.Why)
	}
	for _, m := range s.Missing {
		_, told := s.Dependencies[m.Source]
		note(!told || s.Dependencies[m.Source].State == ready.StateOK, "%s: %s.", m.Source, m.Why)
	}
	old := func(state api.State) bool { return s.States[state].OldestSeconds > normal.Seconds() }
	note(len(s.FailingTasks) > 0, "%s can't continue, because the code fails: see the worker's log and failing_tasks. Once a fixed worker runs, everything continues by itself.", words.Count(len(s.FailingTasks), "workflow"))
	note(old(api.StateApplying), "%s being applied, the oldest for %s: applying fails, and is retried. `inorder events list --state applying` shows them, and `inorder events show` says why one fails.",
		are(s.States[api.StateApplying]), ages(s.States[api.StateApplying]))
	note(old(api.StateInbox), "%s in the inbox, the oldest for %s: `serve` and `worker` drain it. `inorder events list --state inbox` says why.",
		are(s.States[api.StateInbox]), ages(s.States[api.StateInbox]))
	note(s.States[api.StateAttention].Count > 0, "%s attention, the oldest for %s: `inorder events list --state attention`, then retry, amend or discard.",
		need(s.States[api.StateAttention]), ages(s.States[api.StateAttention]))
	note(s.States[api.StateStuck].Count > 0, "%s stuck, the oldest for %s: their orders have not come so far. `inorder events list --state stuck`; `inorder orders reconcile` asks the platform.",
		are(s.States[api.StateStuck]), ages(s.States[api.StateStuck]))
	note(a.noView == nil && a.view.Unseen.Count > 0, "%s waiting, apparently without a workflow: none has made an attempt for %s. The sweep starts lost workflows again within the hour; `inorder recover` does it now.",
		are(a.view.Unseen), ages(a.view.Unseen))
	return all
}

func are(c api.Count) string  { return number(c, "event is", "events are") }
func need(c api.Count) string { return number(c, "event needs", "events need") }

func number(c api.Count, one, many string) string {
	if c.More {
		return fmt.Sprintf("More than %d %s", c.Count, many)
	}
	return words.Phrase(c.Count, one, many)
}

func ages(c api.Count) string {
	return time.Duration(c.OldestSeconds * float64(time.Second)).Round(time.Second).String()
}
