package worker

import (
	"context"
	"sync"

	sdk "go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"inorder/activities"
	"inorder/workflows"
)

// atPlatform is how many activities of the platform queue one process runs at once. More would not make the platform answer sooner.
const atPlatform = 8

// newPlatformWorker returns a worker for workflows.PlatformTaskQueue only. It shares its activities with the main worker.
func newPlatformWorker(o Options, all *activities.Activities) sdk.Worker {
	w := sdk.New(o.Client, workflows.PlatformTaskQueue(o.TaskQueue), sdk.Options{
		DisableWorkflowWorker:              true,
		MaxConcurrentActivityExecutionSize: atPlatform,
		MaxConcurrentActivityTaskPollers:   4, // one for each partition of the queue
		WorkerStopTimeout:                  stopTimeout,
	})
	w.RegisterActivity(all)
	return w
}

// pair is the main worker and the platform worker. They start and stop as one.
type pair struct {
	sdk.Worker
	platform sdk.Worker
}

// Start starts both workers. If it returns an error, neither runs.
func (p *pair) Start() error {
	if err := p.Worker.Start(); err != nil {
		return err
	}
	if err := p.platform.Start(); err != nil {
		p.Worker.Stop()
		return err
	}
	return nil
}

// Stop stops both workers at the same time, so that it takes no longer than stopping one.
func (p *pair) Stop() {
	var both sync.WaitGroup
	both.Go(p.Worker.Stop)
	both.Go(p.platform.Stop)
	both.Wait()
}

// Run runs both workers until interrupt, or until one of them stops by itself, which is an error.
func (p *pair) Run(interrupt <-chan any) error {
	group, failed := errgroup.WithContext(context.Background())
	stop := make(chan any)
	for _, w := range []sdk.Worker{p.Worker, p.platform} {
		group.Go(func() error { return w.Run(stop) })
	}
	select {
	case <-interrupt:
	case <-failed.Done():
	}
	close(stop)
	return group.Wait()
}
