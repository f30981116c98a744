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
	LastEvents map[string]time.Time  // by family, if an event of it has come
	Jobs       map[store.Job]time.Time
}

// Reading is how many events are in a state, and how old the oldest is.
type Reading struct {
	Count  int // exact up to api.MostCounted; more are estimated
	Oldest time.Duration
}

// Counting 100,000 rows takes as long as applying dozens of events. So more than @most are estimated, from pages
// sampled all over the table: 100 pages are right to within a fifth, whenever the table was last analyzed. REPEATABLE
// takes the same pages each time, so that the estimate moves only with the table.
const (
	samplePhasesSQL = `
SELECT phase, (count(*) * greatest(1, max(pages) / 100.0))::bigint FROM (SELECT pg_relation_size('pending_events') / current_setting('block_size')::float8 AS pages) AS size,
	pending_events TABLESAMPLE SYSTEM (least(100, 100.0 * 100 * current_setting('block_size')::float8 / greatest(1, pg_relation_size('pending_events')))) REPEATABLE (0)
GROUP BY phase`

	sampleInboxSQL = `
SELECT 'inbox', (count(*) * greatest(1, max(pages) / 100.0))::bigint FROM (SELECT pg_relation_size('event_inbox') / current_setting('block_size')::float8 AS pages) AS size,
	event_inbox TABLESAMPLE SYSTEM (least(100, 100.0 * 100 * current_setting('block_size')::float8 / greatest(1, pg_relation_size('event_inbox')))) REPEATABLE (0)
HAVING count(*) > 0`

	jobsSQL = `SELECT name, last_success_at FROM jobs ORDER BY name LIMIT 100`
)

// Readings reads what metrics show, at a cost that does not grow with the number of waiting events.
func (v *View) Readings(ctx context.Context) (r Readings, err error) {
	now := time.Now()
	r = Readings{States: map[api.State]Reading{}, LastEvents: map[string]time.Time{}, Jobs: map[store.Job]time.Time{}}
	args, b := pgx.NamedArgs{"most": api.MostCounted}, &pgx.Batch{}
	var many []api.State
	state := func(name string, c api.Count) {
		r.States[api.State(name)] = Reading{c.Count, time.Duration(c.OldestSeconds * float64(time.Second))}
		if c.More {
			many = append(many, api.State(name))
		}
	}
	queueCounts(b, countPhasesSQL, args, now, state)
	queueCounts(b, countInboxSQL, args, now, state)
	estimates := map[api.State]int{}
	for _, sql := range []string{samplePhasesSQL, sampleInboxSQL} {
		queueNamed(b, sql, func(name string, n int) { estimates[api.State(name)] = n })
	}
	queueNamed(b, lastEventsSQL, func(family string, at time.Time) { r.LastEvents[family] = at.UTC() })
	queueNamed(b, jobsSQL, func(name string, at time.Time) { r.Jobs[store.Job(name)] = at.UTC() })
	if err := v.batch(ctx, b); err != nil {
		return r, fmt.Errorf("read what metrics show: %w", err)
	}
	for _, s := range many {
		reading := r.States[s]
		reading.Count = max(estimates[s], api.MostCounted+1)
		r.States[s] = reading
	}
	return r, nil
}

// queueNamed reads rows of a name and a value.
func queueNamed[T any](b *pgx.Batch, sql string, set func(name string, value T)) {
	b.Queue(sql).Query(store.EachRow(func(row pgx.Row) error {
		var name string
		var value T
		err := row.Scan(&name, &value)
		set(name, value)
		return err
	}))
}
