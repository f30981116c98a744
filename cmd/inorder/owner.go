package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"inorder/internal/await"
	"inorder/worker"
)

// ownerWithin is how long a command waits for its servers to say whose the namespace is, before it goes on without.
const ownerWithin = 2 * time.Second

// refuseForeign returns an error if the namespace is known to be another system's, or nobody's yet. While a server doesn't
// answer, that isn't known, and is no error: a receiver listens all the same, and learns it later.
func refuseForeign(ctx context.Context, o worker.Options) error {
	ctx, cancel := context.WithTimeout(ctx, ownerWithin)
	defer cancel()
	if err := worker.CheckOwner(ctx, o); await.IsPermanent(err) {
		return err
	}
	return nil
}

// receiveAlone runs a receiver without a worker, which would find out by itself whose the namespace is. Without a database
// there is no telling.
func (s *servers) receiveAlone(ctx context.Context) error {
	if s.pool == nil {
		return s.receive(ctx)
	}
	if err := refuseForeign(ctx, s.worker()); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	asking, stop := context.WithCancel(ctx)
	group.Go(func() error {
		defer stop()
		return s.receive(ctx)
	})
	group.Go(func() error {
		if err := worker.AwaitOwner(asking, s.worker()); asking.Err() == nil {
			return err
		}
		return nil
	})
	return group.Wait()
}
