package chaos

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"inorder/internal/api"
	"inorder/internal/sweep"
)

// operator does at random what people do in the Temporal UI and through the admin API, and remembers to which events.
type operator struct {
	system *system
	rnd    *rand.Rand

	mu      sync.Mutex
	givenUp map[string]bool // canceled or discarded, or tried to
	lost    map[string]bool // terminated or deleted, or tried to: they may have no workflow until `inorder recover`
	amended map[string]bool // tried to amend; true: that was answered well
	acts    int
}

func newOperator(s *system, seed uint64) *operator {
	return &operator{system: s, rnd: rand.New(rand.NewPCG(seed, 3)), givenUp: map[string]bool{}, lost: map[string]bool{}, amended: map[string]bool{}}
}

func (o *operator) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, between(o.rnd, 100*time.Millisecond, 1500*time.Millisecond))
		o.act(ctx)
	}
}

// act is something that a person does to one event.
type act struct {
	name string
	of   string // SQL for the workflows of the events that it is done to; "" for all that run
	do   func(o *operator, ctx context.Context, workflowID string) error
}

const (
	thatWait      = `SELECT ` + waits + ` FROM pending_events`
	inAttention   = thatWait + ` WHERE phase = 'attention'`
	thatEnded     = `SELECT event_id FROM webhook_events`
	thatWereGiven = thatEnded + ` WHERE outcome = 'discarded'` // up
)

// acts are drawn from evenly. What waits is a row, too: nothing else may be terminated or deleted.
var acts = []act{
	{"retry", "", signal("retry", nil)},
	{"retry", "", signal("retry", nil)},
	{"order.created", thatWait, signal("order.created", nil)},
	{"discard", thatWait, signal("discard", map[string]string{"reason": "chaos", "actor": "operator"})},
	{"cancel", "", func(o *operator, ctx context.Context, id string) error {
		return o.system.engine.CancelWorkflow(ctx, id, "")
	}},
	{"terminate", thatWait, terminate},
	{"terminate", thatWait, terminate},
	{"delete", thatWait, remove},
	{"retry", thatWait, byAPI(func(c *api.Client, ctx context.Context, id string) (api.Done, error) {
		return c.Retry(ctx, id, "chaos")
	})},
	{"discard", thatWait, byAPI(func(c *api.Client, ctx context.Context, id string) (api.Done, error) {
		return c.Discard(ctx, id, "chaos")
	})},
	{"replay", thatEnded, replay},
	{"replay", thatEnded, replay},
	{"replay", thatWereGiven, replay},
	{"replay", thatWereGiven, replay},
	{"amend", inAttention, amend},
	{"amend", inAttention, amend},
}

// replay undoes nothing that is newer, and a discard: so it may leave the event as it would have ended without either.
var replay = byAPI(func(c *api.Client, ctx context.Context, id string) (api.Done, error) {
	return c.Replay(ctx, id, "chaos")
})

// amend corrects what was made up so that it can't be applied.
var amend = byAPI(func(c *api.Client, ctx context.Context, id string) (api.Done, error) {
	return c.Amend(ctx, id, "chaos", correction(id).Body())
})

func signal(name string, arg any) func(*operator, context.Context, string) error {
	return func(o *operator, ctx context.Context, id string) error {
		return o.system.engine.SignalWorkflow(ctx, id, "", name, arg)
	}
}

func terminate(o *operator, ctx context.Context, id string) error {
	return o.system.engine.TerminateWorkflow(ctx, id, "", "chaos")
}

func remove(o *operator, ctx context.Context, id string) error {
	_, err := o.system.engine.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id}})
	return err
}

// byAPI acts through any process's admin API.
func byAPI(do func(*api.Client, context.Context, string) (api.Done, error)) func(*operator, context.Context, string) error {
	return func(o *operator, ctx context.Context, workflowID string) error {
		c := &api.Client{URL: o.system.admins[pick(o.rnd, o.system.plan.processes()...)], Token: token}
		_, err := do(c, ctx, sweep.EventID(workflowID))
		return err
	}
}

// act does one thing to one event. What it is answered doesn't matter, unless it amended: it may have been done all the same.
func (o *operator) act(ctx context.Context) {
	o.system.quiet.RLock()
	defer o.system.quiet.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	a := pick(o.rnd, acts...)
	if id := o.on(ctx, a); id != "" {
		_ = o.do(ctx, a, id)
	}
}

// on draws the workflow of an event that the act may be done to; "" if there is none.
func (o *operator) on(ctx context.Context, a act) (workflowID string) {
	if a.of == "" {
		return o.oneOf(o.system.running(ctx))
	}
	return o.oneOf(o.system.ids(ctx, a.of))
}

func (o *operator) do(ctx context.Context, a act, workflowID string) error {
	id := sweep.EventID(workflowID)
	o.remember(a.name, id, false)
	err := a.do(o, ctx, workflowID)
	if err == nil {
		o.remember(a.name, id, true)
	}
	return err
}

// remember notes an act before it is done, and again once it is.
func (o *operator) remember(what, id string, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if done {
		o.acts++
	}
	switch what {
	case "discard", "cancel":
		o.givenUp[id] = true
	case "terminate", "delete":
		o.lost[id] = true
	case "amend":
		o.amended[id] = o.amended[id] || done
	}
}

func (o *operator) oneOf(ids []string, err error) string {
	if err != nil || len(ids) == 0 {
		return ""
	}
	slices.Sort(ids)
	return pick(o.rnd, ids...)
}

// ids reads IDs from PostgreSQL.
func (s *system) ids(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// running are the events whose workflow runs.
func (s *system) running(ctx context.Context) (ids []string, err error) {
	var page []byte
	for {
		r, err := s.engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000, NextPageToken: page,
			Query: `WorkflowType = "ProcessEvent" AND ExecutionStatus = "Running"`})
		if err != nil {
			return nil, err
		}
		for _, e := range r.Executions {
			ids = append(ids, e.Execution.WorkflowId)
		}
		if page = r.NextPageToken; len(page) == 0 {
			return ids, nil
		}
	}
}
