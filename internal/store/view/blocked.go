package view

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"inorder/internal/api"
	"inorder/internal/store"
)

const (
	orderLock = "the order's lock"

	// The lock is an advisory one on a hash of its name, which pg_locks shows in two halves. A lock on the whole table holds up all
	// orders, unless it is one that an ordinary read or write takes. PostgreSQL may not show everything of another role's session.
	lockHolderSQL = `
WITH locks AS MATERIALIZED (
	SELECT pid, granted, 'the order''s lock' AS what, 1 AS rank FROM pg_locks, hashtextextended(@lock, 0) AS key
	WHERE locktype = 'advisory' AND objsubid = 1 AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid
	  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
	UNION ALL
	SELECT pid, granted, 'the table orders', 2 FROM pg_locks
	WHERE locktype = 'relation' AND relation = 'orders'::regclass AND (NOT granted OR mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
	  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
` + lockHolder

	// The row's xmax is the transaction that has updated or locked it and not committed yet, unless several have.
	rowHolderSQL = `
WITH locks AS MATERIALIZED (
	SELECT pid, true AS granted, 'the order''s row' AS what, 1 AS rank FROM pg_locks
	WHERE locktype = 'transactionid' AND granted AND transactionid = (SELECT xmax FROM orders WHERE id = @order)
	UNION ALL
	SELECT pid, false, '', 1 FROM pg_locks
	WHERE locktype = 'transactionid' AND NOT granted AND transactionid = (SELECT xmax FROM orders WHERE id = @order)
)
` + lockHolder

	lockHolder = `
SELECT l.pid, l.what, coalesce(a.application_name, ''), coalesce(a.usename, ''), coalesce(host(a.client_addr), ''), coalesce(a.state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8, (SELECT count(*) FROM locks w WHERE w.rank = l.rank AND NOT w.granted)
FROM locks l LEFT JOIN pg_stat_activity a USING (pid) WHERE l.granted AND l.pid <> pg_backend_pid() ORDER BY l.rank, a.xact_start LIMIT 1`

	orderExistsSQL = `SELECT EXISTS (SELECT FROM orders WHERE id = @order)`
)

// Blocked is what PostgreSQL knows of what holds an order up.
type Blocked struct {
	Exists bool
	Events []Found         // those in the inbox and those that are parked, newest receipt first
	Lock   *api.LockHolder // nil while nobody holds it
}

// LockHolder returns who holds the lock of an order, or a lock on the whole table; nil if nobody does. It reads none
// of our tables, so it answers whatever is locked.
func (v *View) LockHolder(ctx context.Context, orderID string) (*api.LockHolder, error) {
	var holder *api.LockHolder
	b := &pgx.Batch{}
	queueHolder(b, lockHolderSQL, pgx.NamedArgs{"lock": store.OrderLock(orderID)}, &holder)
	if err := v.batch(ctx, b); err != nil {
		return nil, fmt.Errorf("find who holds the lock of order %s: %w", orderID, err)
	}
	return holder, nil
}

// Blocked returns what holds an order up, with up to limit events of each table.
func (v *View) Blocked(ctx context.Context, orderID string, limit int) (found Blocked, err error) {
	if !storable(orderID) || orderID == "" {
		return found, nil
	}
	f := api.Filter{OrderID: orderID}
	args, b := with(listArgs(f, Position{}, limit), "lock", store.OrderLock(orderID)), &pgx.Batch{}
	var sources []*Found
	for _, phase := range []api.State{api.StateWaiting, api.StateStuck, api.StateAttention} {
		sources = append(sources, queueWalk(b, parkedByOrderSQL, with(args, "phase", string(phase))))
	}
	sources = append(sources, queueInbox(b, f, args, limit))
	b.Queue(orderExistsSQL, args).QueryRow(func(row pgx.Row) error { return row.Scan(&found.Exists) })
	var ofRow *api.LockHolder
	queueHolder(b, lockHolderSQL, args, &found.Lock)
	queueHolder(b, rowHolderSQL, args, &ofRow)
	if err := v.batch(ctx, b); err != nil {
		return found, fmt.Errorf("read what holds order %s up: %w", orderID, err)
	}
	// inorder takes the lock before the row. Whoever has the row without the lock is somebody else, and the lock's holder may wait for them.
	if l := found.Lock; ofRow != nil && (l == nil || l.What == orderLock && l.PID != ofRow.PID) {
		found.Lock = ofRow
	}
	for _, s := range sources {
		found.Events = append(found.Events, *s)
	}
	return found, nil
}

func queueHolder(b *pgx.Batch, sql string, args pgx.NamedArgs, into **api.LockHolder) {
	b.Queue(sql, args).Query(store.EachRow(func(row pgx.Row) error {
		h := &api.LockHolder{}
		*into = h
		return row.Scan(&h.PID, &h.What, &h.Application, &h.User, &h.Client, &h.State, &h.ForSeconds, &h.Waiting)
	}))
}
