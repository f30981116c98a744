package view

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// No statement reads a whole table, and no step reads more rows than a page may look at, neither in tables that have
// just grown (PostgreSQL knows nothing of what is in them) nor in tables that it has analyzed.
func TestPlansReadBoundedRowsByAnIndex(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	exec := func(sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	for _, table := range []string{"orders", "order_parts", "webhook_events", "pending_events", "event_inbox", "audit_log", "traffic_minutes", "refused_deliveries"} {
		exec(`ALTER TABLE ` + table + ` SET (autovacuum_enabled = off)`)
	}
	exec(`VACUUM ANALYZE`)
	fill(exec)
	t.Run("grown", func(t *testing.T) { explainAll(t, pool); explainFirst(t, pool) })
	exec(`VACUUM ANALYZE`)
	t.Run("analyzed", func(t *testing.T) { explainAll(t, pool); explainFirst(t, pool) })
}

// fill makes tables of which a page looks at only a part.
func fill(exec func(string)) {
	const n = "generate_series(1, 32000) i"
	exec(`INSERT INTO webhook_events (event_id, type, order_id, outcome, occurred_at, received_at, processed_at, payload)
		SELECT 'evt_' || i, 'order.paid', 'order_' || i / 4, CASE WHEN i % 3 = 0 THEN 'stale' ELSE 'applied' END, now() - i * interval '1 second', now() - i * interval '1 second', now() - i * interval '1 second', '{"store_id": "store_1"}' FROM ` + n)
	exec(`INSERT INTO orders (id, number, data, data_at, data_rank, data_event_id, last_webhook_at, updated_at, status, status_at)
		SELECT 'order_' || i, 'no_' || i, '{}', now(), 0, '', now(), now() - i * interval '1 second', 'pending', now() FROM ` + n)
	exec(`INSERT INTO order_parts (kind, id, order_id, data, event_id, last_webhook_at) SELECT 'payment', 'pay_' || i, 'order_' || i, '{}', '', now() FROM ` + n)
	exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, seen_at, phase)
		SELECT 'evt_w_' || i, 'order_w_' || i / 4, 'order.paid', '{}', now(), now() - i * interval '1 second', now() - interval '3 hours', (ARRAY['waiting', 'stuck', 'attention'])[i % 3 + 1] FROM ` + n)
	exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before) SELECT 'evt_i_' || i, 'order_w_' || i / 4, '{"type":"order.paid"}', now() - i * interval '1 second', now() FROM ` + n)
	exec(`INSERT INTO audit_log (actor, action, event_id, order_id, via, result) SELECT 'anna', 'retry', 'evt_' || i, 'order_' || i / 4, 'api', 'signaled' FROM ` + n)
	exec(`INSERT INTO refused_deliveries (at, reason, status, evidence, client, network, causes, summary, advice)
		SELECT now() - i * interval '1 second', CASE WHEN i % 3 = 0 THEN 'too_large' ELSE 'bad_signature' END, 401, 'none', '', '', '{}', '', '' FROM ` + n)
	exec(`INSERT INTO traffic_minutes (minute, process, kind, name, count) SELECT date_trunc('minute', now()) - i * interval '1 minute', gen_random_uuid(), 'delivery', 'accepted', 1 FROM ` + n)
}

// explainAll runs what operators ask, and explains every statement of it.
func explainAll(t *testing.T, pool *pgxpool.Pool) {
	x := &explaining{t: t, pool: pool, most: api.MostCounted + 100}
	v, ctx := New(x), t.Context()
	ago := func(d time.Duration) *time.Time { at := time.Now().Add(-d); return &at }
	place := Position{At: *ago(time.Hour), ID: "evt_3600"}.Cursor()
	for _, f := range []api.Filter{{}, {State: api.StateEnded}, {State: api.StateInbox}, {State: api.StateWaiting}, {State: api.StateAttention}, {Outcome: "applied"}, {Outcome: "stale"}, {Outcome: "expired"},
		{Type: "order.paid"}, {Type: "order.rare"}, {StoreID: "store_rare"}, {Via: "inbox"}, {OrderID: "order_7"}, {OrderID: "order_w_7"}, {OrderID: "order_7", Outcome: "stale"},
		{ReceivedAfter: ago(time.Minute)}, {ReceivedBefore: ago(time.Hour)}, {Outcome: "stale", ReceivedBefore: ago(time.Hour), ReceivedAfter: ago(2 * time.Hour)}} {
		for _, cursor := range []string{"", place} {
			x.what = fmt.Sprintf("events %+v %s", f, cursor)
			_, err := v.Events(ctx, f, cursor, 50)
			require.NoError(t, err)
		}
	}
	list := api.ListQuery{Limit: 50}
	for _, q := range []api.OrdersQuery{{}, {Status: "pending"}, {Status: "rare"}, {StoreID: "rare"}, {UpdatedBefore: *ago(time.Hour)}, {Q: "order_7"}, {Q: "no_77"}, {Q: "nothing"}} {
		x.what = fmt.Sprintf("orders %+v", q)
		q.ListQuery = list
		_, err := v.Orders(ctx, q)
		require.NoError(t, err)
	}
	for _, q := range []api.AuditQuery{{}, {Actor: "anna"}, {Actor: "ben"}, {Action: "bulk"}, {EventID: "evt_7"}, {OrderID: "order_7"}} {
		x.what = fmt.Sprintf("audit %+v", q)
		q.ListQuery = list
		_, err := v.Audit(ctx, q)
		require.NoError(t, err)
	}
	for _, q := range []api.RefusedQuery{{}, {Reason: "too_large"}, {Reason: "bad_event"}, {After: *ago(time.Minute)}, {Reason: "bad_signature", Before: *ago(time.Hour)}} {
		x.what, q.ListQuery = fmt.Sprintf("refused %+v", q), list
		_, err := v.Refusals(ctx, q)
		require.NoError(t, err)
	}
	for what, ask := range map[string]func() error{
		"one refused": func() error { _, _, err := v.Refused(ctx, 7); return err },
		"event":       func() error { _, _, err := v.Event(ctx, "evt_7"); return err },
		"order":       func() error { _, _, err := v.Order(ctx, "order_7"); return err },
		"timeline":    func() error { _, err := v.Timeline(ctx, "order_7", place, 50); return err },
		"blocked":     func() error { _, err := v.Blocked(ctx, "order_w_7", 50); return err },
		"lock holder": func() error { _, err := v.LockHolder(ctx, "order_7"); return err },
		"status":      func() error { _, err := v.Status(ctx); return err },
		"readings":    func() error { _, err := v.Readings(ctx); return err },
		"recorded": func() error {
			_, err := v.Recorded(ctx, []string{"evt_7", "evt_w_7", "evt_i_7", "evt_none"})
			return err
		},
	} {
		x.what = what
		require.NoError(t, ask())
	}
}

// explainFirst explains pages that find enough at once, and must read no further.
func explainFirst(t *testing.T, pool *pgxpool.Pool) {
	x := &explaining{t: t, pool: pool, most: 200}
	v, ctx := New(x), t.Context()
	for _, f := range []api.Filter{{}, {Type: "order.paid", State: api.StateEnded}, {State: api.StateWaiting}, {Outcome: "applied"}, {Outcome: "stale"}, {OrderID: "order_7"}} {
		x.what = fmt.Sprintf("events %+v", f)
		_, err := v.Events(ctx, f, Position{At: time.Now().Add(-time.Hour), ID: "evt_3600"}.Cursor(), 50)
		require.NoError(t, err)
	}
	for _, q := range []api.OrdersQuery{{}, {Status: "pending"}, {Q: "order_31999"}} {
		x.what, q.Limit = fmt.Sprintf("orders %+v", q), 50
		_, err := v.Orders(ctx, q)
		require.NoError(t, err)
	}
	for _, q := range []api.AuditQuery{{}, {Actor: "anna"}, {EventID: "evt_7"}} {
		x.what, q.Limit = fmt.Sprintf("audit %+v", q), 50
		_, err := v.Audit(ctx, q)
		require.NoError(t, err)
	}
}

// explaining is a DB that explains the statements that go through it.
type explaining struct {
	t    *testing.T
	pool *pgxpool.Pool
	what string
	most float64 // rows that one step may read: what a page looks at, and those of the place where it begins
}

func (x *explaining) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	tx, err := x.pool.BeginTx(ctx, o)
	if err == nil {
		_, err = tx.Exec(ctx, `SET LOCAL statement_timeout = 0`) // a slow machine is not the plan's fault
	}
	return &explainingTx{tx, x}, err
}

type explainingTx struct {
	pgx.Tx
	x *explaining
}

func (tx *explainingTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	for _, q := range b.QueuedQueries {
		var plan []struct{ Plan node }
		require.NoError(tx.x.t, tx.QueryRow(ctx, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+q.SQL, q.Arguments...).Scan(&plan))
		plan[0].Plan.check(tx.x.t, tx.x.most, tx.x.what+"\n"+q.SQL)
	}
	return tx.Tx.SendBatch(ctx, b)
}

// node is a step of a plan.
type node struct {
	NodeType string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Rows     float64 `json:"Actual Rows"` // of each loop
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []node
}

func (n node) check(t *testing.T, most float64, what string) {
	t.Helper()
	isSmall := n.Relation == "last_events" || n.Relation == "jobs" || strings.HasPrefix(n.Relation, "pg_")
	text, err := json.MarshalIndent(n, "", " ")
	require.NoError(t, err)
	require.False(t, n.NodeType == "Seq Scan" && !isSmall, "%s\nreads a whole table: %s", what, text)
	require.NotContains(t, n.NodeType, "Gather", "%s\nstarts processes: %s", what, text)
	if n.Relation != "" && !isSmall {
		require.LessOrEqual(t, n.Rows+n.Removed, most, "%s\n%s", what, text)
		require.LessOrEqual(t, (n.Rows+n.Removed)*n.Loops, 5*most, "%s\n%s", what, text)
	}
	for _, child := range n.Plans {
		child.check(t, most, what)
	}
}
