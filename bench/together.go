package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/delivery"
	"inorder/internal/sample"
)

func reportTogether(ctx context.Context, pool *pgxpool.Pool, serve subject, rounds int) error {
	const orders = 200
	fmt.Printf("\n%s, order.paid and order.created of %d orders posted at the same instant:\n", serve.name, orders)
	for range rounds {
		answered, released, err := together(ctx, pool, serve, orders)
		if err != nil {
			return fmt.Errorf("post at the same instant: %w", err)
		}
		fmt.Printf("  all answered after %s; none left waiting %s later\n", answered.Round(10*time.Millisecond), released.Round(10*time.Millisecond))
	}
	return nil
}

// together posts order.paid and order.created of n new orders, all at the same instant, and returns how long the answers
// took and how long after the last of them nothing waited any more.
func together(ctx context.Context, pool *pgxpool.Pool, s subject, n int) (answered, released time.Duration, err error) {
	before, err := s.done(ctx)
	if err != nil {
		return 0, 0, err
	}
	at := time.Now().Truncate(time.Second) // the platform's times have seconds
	var deliveries []posting
	for range n {
		order := sample.NewID("order_together_")
		for _, eventType := range []string{"order.paid", "order.created"} {
			body := sample.Event(sample.Options{Type: eventType, OrderID: order, At: at})
			deliveries = append(deliveries, posting{body, delivery.Sign(secret, body)})
		}
	}
	client := newClient(len(deliveries))
	defer client.CloseIdleConnections()
	gate := make(chan struct{})
	errs := make([]error, len(deliveries))
	var wg sync.WaitGroup
	for i, d := range deliveries {
		wg.Go(func() {
			<-gate
			_, errs[i] = postOne(ctx, client, s.url, d)
		})
	}
	begin := time.Now()
	close(gate)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, 0, err
		}
	}
	last := time.Now()
	err = poll(ctx, func() (bool, error) {
		var waiting int64
		if err := pool.QueryRow(ctx, `SELECT count(*) FROM pending_events`).Scan(&waiting); err != nil {
			return false, err
		}
		ended, err := s.done(ctx)
		return waiting == 0 && ended == before+int64(len(deliveries)), err
	})
	return last.Sub(begin), time.Since(last), err
}

// poll asks until the answer is yes, for five minutes at most.
func poll(ctx context.Context, ask func() (bool, error)) error {
	for begin := time.Now(); ; {
		yes, err := ask()
		switch {
		case yes || err != nil:
			return err
		case time.Since(begin) > 5*time.Minute:
			return fmt.Errorf("some events have no end after 5 minutes")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
