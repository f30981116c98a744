package worker

import (
	"context"
	"sync"

	sdk "go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"inorder/activities"
	"inorder/workflows"
)

// atPlatform is how many activities wait for the platform at once in one process. More would not make it answer sooner.
const atPlatform = 8

// newPlatformWorker returns a worker for workflows.PlatformTaskQueue alone. It shares its activities with the main one.
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

// pair is the main worker and the one that waits for the platform. They start and stop as one.
type pair struct {
	sdk.Worker
	platform sdk.Worker
}

// Start starts both, or returns an error and neither runs.
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

// Stop stops both at the same time, so that it takes no longer than for one.
func (p *pair) Stop() {
	var both sync.WaitGroup
	both.Go(p.Worker.Stop)
	both.Go(p.platform.Stop)
	both.Wait()
}

// Run runs both until interrupt, or until one of them stops by itself, which is an error.
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
