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
)

// operator does at random what people do in the Temporal UI, and remembers to which events.
type operator struct {
	system *system
	rnd    *rand.Rand

	mu      sync.Mutex
	givenUp map[string]bool // canceled or discarded, or tried to
	lost    map[string]bool // terminated or deleted, or tried to: they may have no workflow until `inorder recover`
	acts    int
}

func newOperator(s *system, seed uint64) *operator {
	return &operator{system: s, rnd: rand.New(rand.NewPCG(seed, 3)), givenUp: map[string]bool{}, lost: map[string]bool{}}
}

func (o *operator) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, between(o.rnd, 100*time.Millisecond, 1500*time.Millisecond))
		o.act(ctx)
	}
}

// act does one thing to one event. What it is answered doesn't matter: it may have been done all the same.
func (o *operator) act(ctx context.Context) {
	o.system.quiet.RLock()
	defer o.system.quiet.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	what := pick(o.rnd, "retry", "retry", "order.created", "discard", "cancel", "terminate", "terminate", "delete")
	var id string
	if what == "cancel" || what == "retry" {
		id = o.oneOf(o.system.running(ctx))
	} else { // what waits is a row, too; nothing else may be terminated
		id = o.oneOf(o.system.ids(ctx, `SELECT event_id FROM pending_events`))
	}
	if id == "" {
		return
	}
	o.remember(what, id)
	engine := o.system.engine
	switch what {
	case "retry", "order.created":
		_ = engine.SignalWorkflow(ctx, id, "", what, nil)
	case "discard":
		_ = engine.SignalWorkflow(ctx, id, "", what, map[string]string{"reason": "chaos", "actor": "operator"})
	case "cancel":
		_ = engine.CancelWorkflow(ctx, id, "")
	case "terminate":
		_ = engine.TerminateWorkflow(ctx, id, "", "chaos")
	case "delete":
		_, _ = engine.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: "default", WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id}})
	}
}

func (o *operator) remember(what, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acts++
	switch what {
	case "discard", "cancel":
		o.givenUp[id] = true
	case "terminate", "delete":
		o.lost[id] = true
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
