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

// operator does at random what people do in the Temporal UI and through the admin API. It remembers the events concerned.
type operator struct {
	system *system
	rnd    *rand.Rand

	mu      sync.Mutex
	givenUp map[string]bool // canceled or discarded, perhaps without success
	lost    map[string]bool // terminated or deleted, perhaps without success: they may have no workflow until `inorder recover`
	amended map[string]bool // amended: true if the answer was a success, false if the outcome is unknown
	acts    int             // that succeeded
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
	of   string // SQL that selects the workflow IDs it may be done to; "" for all running workflows
	do   func(o *operator, ctx context.Context, workflowID string) error
}

const (
	thatWait      = `SELECT ` + waits + ` FROM pending_events`
	inAttention   = thatWait + ` WHERE phase = 'attention'`
	thatEnded     = `SELECT event_id FROM webhook_events`
	thatWereGiven = thatEnded + ` WHERE outcome = 'discarded'` // up
)

// acts are drawn from with equal probability. Only waiting events may be terminated or deleted, because they have a row, too.
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

// replay undoes a discard, but nothing that is newer than the event. So the event may end as if neither act had happened.
var replay = byAPI(func(c *api.Client, ctx context.Context, id string) (api.Done, error) {
	return c.Replay(ctx, id, "chaos")
})

// amend corrects a poison event.
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

// byAPI acts through the admin API of a random process.
func byAPI(do func(*api.Client, context.Context, string) (api.Done, error)) func(*operator, context.Context, string) error {
	return func(o *operator, ctx context.Context, workflowID string) error {
		c := &api.Client{URL: o.system.admins[pick(o.rnd, o.system.plan.processes()...)], Token: token}
		_, err := do(c, ctx, sweep.EventID(workflowID))
		return err
	}
}

// act does one act to one event. It ignores errors, because the act may have been done all the same; only amend depends on them.
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

// on draws the workflow ID of an event that the act may be done to, or returns "" if there is none.
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

// remember records an act before it is done, and again with done set after it succeeded.
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

// ids runs a query in PostgreSQL that selects IDs.
func (s *system) ids(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// running returns the IDs of the running ProcessEvent workflows, as Temporal lists them.
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
