package view

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder/internal/api"
	"inorder/internal/store"
)

// Readings are what PostgreSQL knows of all processes together, for their metrics.
type Readings struct {
	States     map[api.State]Reading // of the inbox and of parked events
	LastEvents map[string]time.Time  // by family, of those of which one has come
	Jobs       map[store.Job]time.Time
}

// Reading is how many events stand somewhere, and for how long the oldest has. Many are estimated.
type Reading struct {
	Count  int
	Oldest time.Duration
}

const jobsSQL = `SELECT name, last_success_at FROM jobs ORDER BY name LIMIT 100`

// Readings reads what metrics show, at a cost that does not depend on how much waits.
func (v *View) Readings(ctx context.Context) (r Readings, err error) {
	now := time.Now()
	r = Readings{States: map[api.State]Reading{}, LastEvents: map[string]time.Time{}, Jobs: map[store.Job]time.Time{}}
	args, b := pgx.NamedArgs{"most": api.MostCounted}, &pgx.Batch{}
	states := func(state string, c api.Count) {
		r.States[api.State(state)] = Reading{c.Count, time.Duration(c.OldestSeconds * float64(time.Second))}
	}
	queueCounts(b, countPhasesSQL, args, now, states)
	queueCounts(b, countInboxSQL, args, now, states)
	queueTimes(b, lastEventsSQL, func(family string, at time.Time) { r.LastEvents[family] = at })
	queueTimes(b, jobsSQL, func(name string, at time.Time) { r.Jobs[store.Job(name)] = at })
	if err := v.batch(ctx, b); err != nil {
		return r, fmt.Errorf("read what metrics show: %w", err)
	}
	return r, nil
}

// queueTimes reads rows of a name and a time.
func queueTimes(b *pgx.Batch, sql string, set func(name string, at time.Time)) {
	b.Queue(sql).Query(each(func(row pgx.Row) error {
		var name string
		var at time.Time
		err := row.Scan(&name, &at)
		set(name, at.UTC())
		return err
	}))
}
