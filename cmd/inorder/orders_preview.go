package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder"
	"inorder/activities"
	"inorder/internal/config"
	"inorder/internal/platform"
	"inorder/internal/store"
	"inorder/migrations"
)

// preview compares as the worker does, and changes nothing.
func (r *reconcileCmd) preview(ctx context.Context, since time.Time, std streams) error {
	c, err := config.Load(config.NeedDatabase | config.NeedPlatform)
	if err != nil {
		return err
	}
	p := &previewer{seen: map[string]bool{}, found: map[inorder.Found]int{}, out: std.out}
	if p.Platform, err = platform.New(platform.Options{APIKey: c.PlatformKey, BaseURL: c.PlatformURL}); err != nil {
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
	p.DB, p.Store = pool, store.New(pool)
	if since.IsZero() {
		since = time.Now().Add(-c.ReconcileWindow)
	}
	if err = p.look(ctx, r.Order, since); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d compared: %d missing, %d different, %d changed silently, %d that cannot be repaired. Nothing was changed.\n",
		len(p.seen), p.found[inorder.FoundMissing], p.found[inorder.FoundDifferent], p.found[inorder.FoundSilent], p.stuck)
	if len(p.stopped) > 0 {
		return fmt.Errorf("not all orders were compared: %s", strings.Join(p.stopped, "; "))
	}
	return nil
}

// previewer prints what differs.
type previewer struct {
	activities.Comparer
	seen  map[string]bool
	found map[inorder.Found]int
	stuck int
	out   io.Writer

	stopped []string // why not all orders were compared
}

func (p *previewer) stop(why string) {
	if why != "" {
		p.stopped = append(p.stopped, why)
	}
}

// look goes through the orders that are named, or else through those that a reconciliation goes through.
func (p *previewer) look(ctx context.Context, named []string, since time.Time) error {
	if len(named) > 0 {
		return p.lookAt(ctx, named)
	}
	for at := (&activities.Place{}); at != nil; {
		page, err := p.Page(ctx, since, *at)
		if err != nil {
			return err
		}
		for _, c := range page.Orders {
			p.print(c)
		}
		p.stop(page.Stopped)
		at = page.Next
	}
	closed, stopped, err := p.Closed(ctx, since)
	if err != nil {
		return err
	}
	p.stop(stopped)
	return p.lookAt(ctx, closed)
}

func (p *previewer) lookAt(ctx context.Context, orders []string) error {
	for _, id := range orders {
		c, err := p.Order(ctx, id)
		if err != nil {
			return err
		}
		p.print(c)
	}
	return nil
}

// print prints an order that differs, once.
func (p *previewer) print(c activities.Compared) {
	name := c.OrderID
	if name == "" {
		name = c.Where
	}
	if p.seen[name] {
		return
	}
	p.seen[name] = true
	if !c.Differs() {
		return
	}
	found, says := string(c.Found), differences(c)
	switch why := c.Problem + c.Unrepairable; {
	case why != "":
		p.stuck++
		found, says = "not repairable", why
	default:
		p.found[c.Found]++
	}
	fmt.Fprintf(p.out, "%-24s  %-14s  %s\n", line(name), found, line(says))
}

func differences(c activities.Compared) string {
	if c.Found == inorder.FoundMissing {
		return theirs(c.Event)
	}
	texts := make([]string, len(c.Differences))
	for i, d := range c.Differences {
		texts[i] = d.String()
	}
	return strings.Join(texts, "; ")
}

// theirs is an order of the platform in short.
func theirs(e inorder.Event) string {
	change, err := e.Change()
	if err != nil {
		return err.Error()
	}
	text := []string{change.Status, change.PaymentStatus, change.FulfillmentStatus}
	if s := change.Snapshot; s.TotalAmount != nil {
		text = append(text, strings.TrimSpace(fmt.Sprintf("%d %s", *s.TotalAmount, s.Currency)))
	}
	for _, part := range change.Parts {
		text = append(text, part.Kind+" "+part.Status)
	}
	return strings.Join(text, ", ")
}
