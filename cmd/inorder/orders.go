package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"inorder/internal/config"
	"inorder/internal/reconcile"
	"inorder/internal/store"
)

type ordersCmd struct {
	List      ordersListCmd     `cmd:"" help:"List orders, newest change first."`
	Show      ordersShowCmd     `cmd:"" help:"Show one order: its state, its events, what holds it up, what the platform says."`
	Timeline  ordersTimelineCmd `cmd:"" help:"List every event about an order."`
	Blocked   ordersBlockedCmd  `cmd:"" help:"Show what holds an order up."`
	Reconcile reconcileCmd      `cmd:"" help:"Compare orders with the platform's, and repair those that differ."`
}

func (*ordersCmd) Help() string {
	return `All commands but reconcile ask the admin API: they need ADMIN_TOKEN, and read ADMIN_URL.

A support call:

    inorder orders list -q 1001
    inorder orders show order_1001`
}

type reconcileCmd struct {
	Order []string `arg:"" optional:"" help:"Only these orders."`

	Since   string `help:"Orders created since: a time, or how long ago, such as 720h. Default: the worker's RECONCILE_WINDOW." placeholder:"TIME"`
	Preview bool   `help:"Show what differs, and change nothing."`
	JSON    bool   `name:"json" help:"Print one JSON document."`
}

func (*reconcileCmd) Help() string {
	return `Repairs what lost webhooks left behind. It compares the orders that were created recently, and open orders of any age, with
the platform's. Orders that differ get the platform's state, each by an event of its own. With --since it also fetches orders
that are older than the shop's webhooks.

A worker does this in a workflow. This command starts the workflow, shows its progress, and prints what it did. Ctrl-C leaves
it running, and the same command shows it again. Several may run at once, also beside the schedule of ` + "`inorder migrate`" + `: each
order is repaired once. The command fails, and says why, if an order could not be repaired or if the platform did not return
all orders. The workflow then did what it could, and the command may be run again.

The worker needs HEADLESS_COMMERCE_API_KEY. This command reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other
TEMPORAL_* names) and TASK_QUEUE. With --preview it compares the orders itself: it needs HEADLESS_COMMERCE_API_KEY
and DATABASE_URL, and reads HEADLESS_COMMERCE_API_URL and RECONCILE_WINDOW. An order whose webhook is on its way is shown, too.

Examples:

    inorder orders reconcile --preview
    inorder orders reconcile
    inorder orders reconcile ord_1001 ord_1002
    inorder orders reconcile --since 2025-01-01`
}

// maxNamed is how many orders may be named.
const maxNamed = 1000

func (r *reconcileCmd) Validate() error {
	for _, id := range r.Order {
		if id == "" || utf8.RuneCountInString(id) > 255 {
			return errors.New("an order's ID has 1 to 255 characters")
		}
	}
	switch {
	case len(r.Order) > 0 && r.Since != "":
		return errors.New("--since can't be combined with order IDs: named orders are compared whatever their age")
	case len(r.Order) > maxNamed:
		return fmt.Errorf("name at most %d orders, or use --since", maxNamed)
	}
	_, err := parsePast("--since", r.Since, time.Now())
	return err
}

// parsePast reads a time, a day in UTC, or a duration before now. It returns whole seconds in UTC; zero for "". The error names the flag.
func parsePast(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, noTime := time.Parse(time.RFC3339, text)
	if noTime != nil {
		at, noTime = time.Parse(time.DateOnly, text)
	}
	ago, noDuration := time.ParseDuration(text)
	if noDuration == nil {
		at = now.Add(-ago)
	}
	switch {
	case noTime != nil && noDuration != nil:
		return time.Time{}, fmt.Errorf("%s %q is neither a time, such as 2025-01-15T10:30:00Z or 2025-01-15, nor a duration, such as 720h", flag, text)
	case at.After(now):
		return time.Time{}, fmt.Errorf("%s %q is in the future", flag, text)
	}
	return at.UTC().Truncate(time.Second), nil
}

func (r *reconcileCmd) Run(ctx context.Context, std streams) error {
	since, err := parsePast("--since", r.Since, time.Now())
	if err != nil {
		return err
	}
	if r.Preview {
		return withDatabase(ctx, config.NeedPlatform, func(s *servers) error { return r.preview(ctx, s, since, std) })
	}
	return withClients(ctx, 0, func(s *servers) error { return r.reconcile(ctx, s, since, std) })
}

// preview compares as the worker does, and changes nothing.
func (r *reconcileCmd) preview(ctx context.Context, s *servers, since time.Time, std streams) error {
	if since.IsZero() {
		since = time.Now().Add(-s.ReconcileWindow)
	}
	compare := reconcile.Comparer{Store: store.New(s.pool), Platform: s.platform, Metrics: reconcile.NewMetrics(nil)}
	view := previewView{Orders: []driftedOrder{}}
	p, err := compare.Preview(ctx, r.Order, since, func(o reconcile.Compared) {
		d := driftedOrder{o.OrderID, o.Where, string(o.Drift), o.String()}
		if o.WhyUnrepaired() != "" {
			d.Drift = "not repairable"
		}
		view.Orders = append(view.Orders, d)
		if !r.JSON {
			fmt.Fprintf(std.out, "%-24s  %-14s  %s\n", line(cmp.Or(d.OrderID, d.Where)), d.Drift, line(d.Detail))
		}
	})
	if err != nil {
		return err
	}
	if r.JSON {
		view.Totals, view.Stopped = p.Totals, p.Stopped
		err = writeJSON(std.out, view)
	} else {
		fmt.Fprintf(std.out, "%d compared: %s, %d that cannot be repaired. Nothing was changed.\n", p.Compared, p.ByDrift(), p.Unrepaired)
	}
	if err == nil && len(p.Stopped) > 0 {
		return errors.New("not all orders were compared: " + strings.Join(p.Stopped, "; "))
	}
	return err
}

// previewView is what --preview --json prints.
type previewView struct {
	Orders []driftedOrder `json:"orders"` // those that differ
	reconcile.Totals
	Stopped []string `json:"stopped,omitempty"`
}

type driftedOrder struct {
	OrderID string `json:"order_id,omitempty"`
	Where   string `json:"where,omitempty"` // the place in the platform's list, of an order without an ID
	Drift   string `json:"drift"`
	Detail  string `json:"detail"`
}
