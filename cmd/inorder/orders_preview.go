package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"inorder/internal/reconcile"
	"inorder/internal/store"
)

// preview compares as the worker does, and changes nothing.
func (r *reconcileCmd) preview(ctx context.Context, s *servers, since time.Time, std streams) error {
	if since.IsZero() {
		since = time.Now().Add(-s.ReconcileWindow)
	}
	compare := reconcile.Comparer{Store: store.New(s.pool), Platform: s.platform, Metrics: reconcile.NewMetrics(nil)}
	p, err := compare.Preview(ctx, r.Order, since, func(o reconcile.Compared) {
		drift := string(o.Drift)
		if o.WhyUnrepaired() != "" {
			drift = "not repairable"
		}
		fmt.Fprintf(std.out, "%-24s  %-14s  %s\n", line(cmp.Or(o.OrderID, o.Where)), drift, line(o.String()))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d compared: %s, %d that cannot be repaired. Nothing was changed.\n", p.Compared, p.ByDrift(), p.Unrepaired)
	if len(p.Stopped) > 0 {
		return errors.New("not all orders were compared: " + strings.Join(p.Stopped, "; "))
	}
	return nil
}
