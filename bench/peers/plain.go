package peers

import (
	"context"
	"log/slog"

	"go.temporal.io/sdk/client"

	"inorder/receiver"
)

// plain is the handler from the platform's guide: it runs the transaction before it answers. So it can't answer before PostgreSQL does,
// and it lacks what the other subjects provide: it refuses an event that must wait or be retried, and leaves it to the sender.
type plain struct{ applier }

func (p plain) ExecuteWorkflow(ctx context.Context, _ client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	return nil, p.apply(ctx, eventOf(args))
}

func startPlain(ctx context.Context, log *slog.Logger) (receiver.Starter, func(), error) {
	pool, err := openDatabase(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	return plain{newApplier(pool, log)}, pool.Close, nil
}
