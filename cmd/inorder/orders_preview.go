package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/config"
	"inorder/internal/platform"
	"inorder/internal/reconcile"
	"inorder/internal/store"
	"inorder/migrations"
)

// preview compares as the worker does, and changes nothing.
func (r *reconcileCmd) preview(ctx context.Context, since time.Time, std streams) error {
	c, err := config.Load(config.NeedDatabase | config.NeedPlatform)
	if err != nil {
		return err
	}
	api, err := platform.New(platform.Options{APIKey: c.PlatformKey, BaseURL: c.PlatformURL})
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c.Pool)
	if err != nil {
		return fmt.Errorf("make the PostgreSQL pool: %w", err)
	}
	defer pool.Close()
	if err := migrations.Check(ctx, pool); err != nil {
		return errors.New(strings.Join(strings.Fields(err.Error()), " ")) // pgx uses a line for each address that it tried
	}
	if since.IsZero() {
		since = time.Now().Add(-c.ReconcileWindow)
	}
	compare := reconcile.Comparer{Store: store.New(pool), Platform: api, Metrics: reconcile.NewMetrics(nil)}
	p, err := compare.Preview(ctx, r.Order, since, func(o reconcile.Compared) {
		drift := string(o.Drift)
		if o.Unrepaired() != "" {
			drift = "not repairable"
		}
		fmt.Fprintf(std.out, "%-24s  %-14s  %s\n", line(cmp.Or(o.OrderID, o.Where)), drift, line(o.String()))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d compared: %s, %d that cannot be repaired. Nothing was changed.\n", p.Compared, p.ByDrift(), p.Unrepaired)
	if p.Stopped != "" {
		return errors.New("not all orders were compared: " + p.Stopped)
	}
	return nil
}
