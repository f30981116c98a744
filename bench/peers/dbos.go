package peers

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	"go.temporal.io/sdk/client"

	"inorder/receiver"
)

// dbosStarter runs a DBOS workflow, whose ID is the event's, in this process. DBOS keeps its state in the same database.
type dbosStarter struct {
	applier
	ctx dbos.Context
}

func (s dbosStarter) ExecuteWorkflow(_ context.Context, _ client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	e := eventOf(args)
	_, err := dbos.RunWorkflow(s.ctx, s.process, e, dbos.WithWorkflowID(e.ID), dbos.WithWorkflowIDReusePolicy(dbos.WorkflowIDReusePolicyReject))
	if errors.Is(err, dbos.ErrWorkflowIDInUse) {
		err = errKnown
	}
	return nil, err
}

// process applies the event in a step, and retries while its order is missing.
func (s dbosStarter) process(ctx dbos.Context, e event) (string, error) {
	for {
		waits, err := dbos.RunAsStep(ctx, func(ctx context.Context) (bool, error) {
			err := s.apply(ctx, e)
			if errors.Is(err, errWaits) {
				return true, nil
			}
			return false, err
		}, dbos.WithStepName("apply"), dbos.WithStepMaxRetries(100))
		if !waits || err != nil {
			return "", err
		}
		if _, err := dbos.Sleep(ctx, retryAfter); err != nil {
			return "", err
		}
	}
}

func startDBOS(ctx context.Context, log *slog.Logger) (receiver.Starter, func(), error) {
	pool, err := openDatabase(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	s := dbosStarter{applier: newApplier(pool, log)}
	s.ctx, err = dbos.NewContext(context.WithoutCancel(ctx), dbos.Config{AppName: "bench", DatabaseURL: os.Getenv("DATABASE_URL"), ApplicationVersion: "1", Logger: log})
	if err != nil {
		return nil, nil, err
	}
	dbos.RegisterWorkflow(s.ctx, s.process)
	if err := dbos.Launch(s.ctx); err != nil {
		return nil, nil, err
	}
	stop := func() { _ = dbos.Shutdown(s.ctx, 10*time.Second); pool.Close() }
	return s, stop, nil
}
