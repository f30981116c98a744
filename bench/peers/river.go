package peers

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"go.temporal.io/sdk/client"

	"inorder/receiver"
)

// riverTuned fetches jobs as often as River's own benchmark does, 50 times as often as the defaults.
var (
	riverTuned    = river.Config{FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond}
	riverDefaults = river.Config{}
)

// riverWorkers is the number in River's documentation. More workers would only wait for connections to PostgreSQL.
const riverWorkers = 100

func (event) Kind() string { return "event" }

// riverWorker applies an event. River then completes the job, together with many others.
type riverWorker struct {
	river.WorkerDefaults[event]
	applier
}

func (w *riverWorker) Work(ctx context.Context, job *river.Job[event]) error {
	err := w.apply(ctx, job.Args)
	if errors.Is(err, errWaits) {
		return river.JobSnooze(retryAfter)
	}
	return err
}

// riverStarter inserts a job. The job is unique by the event's ID while River keeps completed jobs, which is a day.
type riverStarter[TTx any] struct{ client *river.Client[TTx] }

func (s riverStarter[TTx]) ExecuteWorkflow(ctx context.Context, _ client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	r, err := s.client.Insert(ctx, eventOf(args), &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}})
	if err == nil && r.UniqueSkippedAsDuplicate {
		err = errKnown
	}
	return nil, err
}

func startRiver(config river.Config) start {
	return func(ctx context.Context, log *slog.Logger) (receiver.Starter, func(), error) {
		pool, err := openDatabase(ctx, log)
		if err != nil {
			return nil, nil, err
		}
		driver := riverpgxv5.New(pool)
		migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
		if err != nil {
			return nil, nil, err
		}
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return nil, nil, err
		}
		config.Logger = log
		config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}}
		config.Workers = river.NewWorkers()
		river.AddWorker(config.Workers, &riverWorker{applier: newApplier(pool, log)})
		c, err := river.NewClient(driver, &config)
		if err != nil {
			return nil, nil, err
		}
		if err := c.Start(context.WithoutCancel(ctx)); err != nil {
			return nil, nil, err
		}
		stop := func() { _ = c.Stop(context.Background()); pool.Close() }
		return riverStarter[pgx.Tx]{c}, stop, nil
	}
}
