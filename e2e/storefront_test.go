package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/platform"
)

// storefront is a system that a stand-in delivers to. Its receiver knows only the secret of that webhook.
type storefront struct {
	*system
	platform *standin.Server
}

func newStorefront(t *testing.T, o standin.Options, env ...string) *storefront {
	shop, api := testenv.StandIn(t, o)
	env = append([]string{"HEADLESS_COMMERCE_API_KEY=" + standin.DefaultKey, "HEADLESS_COMMERCE_API_URL=" + api}, env...)
	p := &storefront{platform: shop, system: newSystem(t, env...)}
	w, err := testenv.Platform(t, api, standin.DefaultKey).CreateWebhook(t.Context(), platform.NewWebhook{URL: p.url + delivery.Path, Events: []string{"*"}})
	require.NoError(t, err)
	p.env = append(p.env, "WEBHOOK_SECRETS="+string(w.Secret))
	return p
}

// trade places and advances orders until the platform has made that many deliveries, with the faults. It waits until all
// deliveries are made and all events that arrived are processed.
func (p *storefront) trade(deliveries int, f standin.Faults) {
	p.t.Helper()
	require.NoError(p.t, p.platform.SetFaults(f))
	lives := [][]string{
		{},
		{"pay"},
		{"fail_payment"},
		{"pay", "process", "fulfill_part", "ship"},
		{"pay", "ship", "deliver", "complete"},
		{"pay", "ship", "deliver", "refund_part"},
		{"pay", "refund_part", "refund_part", "refund"},
		{"pay", "cancel"},
	}
	for i := 0; p.platform.Stats().Deliveries < deliveries; i++ {
		_, err := p.platform.Place(standin.Placement{Actions: lives[i%len(lives)]})
		require.NoError(p.t, err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*time.Minute)
	defer cancel()
	require.NoError(p.t, p.platform.WaitIdle(ctx))
	stats := p.platform.Stats()
	require.Equal(p.t, stats.Deliveries, stats.Delivered+stats.Dropped)
	arrived := map[string]bool{} // some arrived twice
	for _, d := range p.platform.Deliveries() {
		if d.Outcome == "delivered" {
			arrived[d.EventID] = true
		}
	}
	p.eventually("what arrived is processed", func() bool {
		return p.count(`SELECT (SELECT count(*) FROM webhook_events WHERE type <> 'order.reconciled') + (SELECT count(*) FROM pending_events)`) == len(arrived) &&
			p.count(`SELECT count(*) FROM pending_events p JOIN orders o ON o.id = p.order_id`) == 0 // no event still waits although its order exists
	})
}

// state is what must be the same on the platform and in our database.
type state struct {
	Status, Payment, Fulfillment string
	Total, Refunded              int
	Parts                        []string
}

func (p *storefront) theirs() map[string]state {
	all := map[string]state{}
	for _, o := range p.platform.Orders() {
		s := state{o.Status, o.PaymentStatus, o.FulfillmentStatus, o.Total.Amount, o.RefundedTotal.Amount, []string{}}
		for _, part := range o.Payments {
			s.Parts = append(s.Parts, fmt.Sprintf("payment %s %s %d", part.ID, part.Status, part.Amount.Amount))
		}
		for _, part := range o.Fulfillments {
			s.Parts = append(s.Parts, fmt.Sprintf("fulfillment %s %s 0", part.ID, part.Status))
		}
		for _, part := range o.Refunds {
			s.Parts = append(s.Parts, fmt.Sprintf("refund %s %s %d", part.ID, part.Status, part.Amount.Amount))
		}
		slices.Sort(s.Parts)
		all[o.ID] = s
	}
	return all
}

func (p *storefront) ours() map[string]state {
	p.t.Helper()
	rows, err := p.pool.Query(context.Background(), `
SELECT o.id, status, payment_status, fulfillment_status, total_amount,
       (SELECT coalesce(sum(refunded_amount), 0)::bigint FROM order_refunds r WHERE order_id = o.id),
       (SELECT coalesce(jsonb_agg(concat_ws(' ', kind, p.id, p.status, coalesce(amount, 0)) ORDER BY concat_ws(' ', kind, p.id, p.status) COLLATE "C"), '[]')
        FROM order_parts p WHERE order_id = o.id)
FROM orders o`)
	require.NoError(p.t, err)
	all := map[string]state{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var (
			id    string
			s     state
			parts []byte
		)
		err := row.Scan(&id, &s.Status, &s.Payment, &s.Fulfillment, &s.Total, &s.Refunded, &parts)
		if err == nil {
			err = json.Unmarshal(parts, &s.Parts)
		}
		all[id] = s
		return struct{}{}, err
	})
	require.NoError(p.t, err)
	return all
}

// differing returns the IDs of the platform's orders that are missing or different in our database.
func (p *storefront) differing() (ids []string) {
	p.t.Helper()
	ours := p.ours()
	for id, theirs := range p.theirs() {
		if o, here := ours[id]; !here || fmt.Sprint(o) != fmt.Sprint(theirs) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *storefront) repairs() int {
	return p.count(`SELECT count(*) FROM webhook_events WHERE type = 'order.reconciled' AND outcome = 'applied'`)
}

// reconcile runs `orders reconcile`, which must succeed, and returns the output.
func (p *storefront) reconcile(args ...string) string {
	p.t.Helper()
	out, code := p.run(append([]string{"orders", "reconcile"}, args...)...)
	require.Zero(p.t, code, out)
	return out
}
