package view

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
	"inorder/internal/sweep"
)

// Status is what PostgreSQL knows of how everything is going.
type Status struct {
	States   map[api.State]api.Count // of the inbox and of parked events
	Outcomes map[string]api.Count
	// Unseen counts waiting events that no workflow has tried to apply for so long that the sweep brings them back. Its
	// OldestSeconds are since the last attempt.
	Unseen     api.Count
	Traffic    []api.Minute
	LastEvents map[string]time.Time
}

// Counts are exact up to @most, and read only the keys of an index. Most events ended as applied, which has no index
// of its own: only those among the last @most ends are counted.
const (
	countPhasesSQL = `
SELECT phase, (SELECT count(*) FROM (SELECT FROM pending_events p WHERE p.phase = phases.phase LIMIT @most + 1) AS bounded),
       (SELECT received_at FROM pending_events p WHERE p.phase = phases.phase ORDER BY received_at LIMIT 1)
FROM (VALUES ('waiting'), ('stuck'), ('attention')) AS phases (phase)`

	countInboxSQL = `
SELECT 'inbox', (SELECT count(*) FROM (SELECT FROM event_inbox ORDER BY received_at LIMIT @most + 1) AS bounded), (SELECT received_at FROM event_inbox ORDER BY received_at LIMIT 1)`

	// An event that Temporal has taken, or that another table has, keeps its row of the inbox for a moment; it is counted
	// where it stands. If the inbox has more than @most rows, the count is "more than @most" whatever a few of them are.
	countOnlyInboxSQL = `
SELECT 'inbox', CASE WHEN count(*) > @most THEN @most + 1 ELSE count(*) FILTER (WHERE alone) END, min(received_at) FILTER (WHERE alone) FROM (
	SELECT received_at, ` + hasEnded + ` IS NULL AND ` + isParked + ` IS NULL AS alone FROM (SELECT event_id, received_at FROM event_inbox ORDER BY received_at LIMIT @most + 1) AS walk
) AS looked`

	countUnseenSQL = `
SELECT '', count(*), min(seen_at) FROM (SELECT seen_at FROM pending_events WHERE phase <> 'attention' AND seen_at < now() - make_interval(secs => @unseen) ORDER BY seen_at LIMIT @most + 1) AS bounded`

	countLastEndsSQL = `
SELECT outcome, count(*) FILTER (WHERE place <= @most), max(processed_at), bool_or(place > @most) FROM (
	SELECT outcome, processed_at, row_number() OVER () AS place FROM (SELECT outcome, processed_at FROM webhook_events ORDER BY processed_at DESC LIMIT @most + 1) AS walk
) AS last GROUP BY outcome`

	// The last end of a rarer outcome is that of its 1,000 newest receipts. The range makes PostgreSQL use the outcome's index: see endedByOutcomeSQL.
	countOutcomesSQL = `
SELECT outcome, (SELECT count(*) FROM (SELECT FROM webhook_events w WHERE w.outcome = outcomes.outcome AND w.outcome <> 'applied' LIMIT @most + 1) AS bounded),
       (SELECT max(processed_at) FROM (SELECT processed_at FROM webhook_events w WHERE w.outcome >= outcomes.outcome AND w.outcome <= outcomes.outcome AND w.outcome <> 'applied'
            ORDER BY w.outcome DESC, coalesce(received_at, processed_at) DESC LIMIT 1000) AS newest)
FROM (VALUES ('stale'), ('ignored'), ('discarded'), ('expired')) AS outcomes (outcome)`

	trafficSQL = `
SELECT minute, kind, name, sum(count)::bigint FROM traffic_minutes WHERE minute > date_trunc('minute', now()) - interval '1 hour' AND minute <= now()
GROUP BY minute, kind, name`

	lastEventsSQL = `SELECT family, at FROM last_events ORDER BY family LIMIT 1000`
)

// Status returns the counts, and the traffic of the last hour, of all processes together.
func (v *View) Status(ctx context.Context) (s Status, err error) {
	now := time.Now()
	s = Status{States: map[api.State]api.Count{}, Outcomes: map[string]api.Count{}, LastEvents: map[string]time.Time{}, Traffic: lastHour(now)}
	args, b := pgx.NamedArgs{"most": api.MostCounted, "unseen": sweep.UnseenFor.Seconds()}, &pgx.Batch{}
	states := func(state string, c api.Count) { s.States[api.State(state)] = c }
	queueCounts(b, countPhasesSQL, args, now, states)
	queueCounts(b, countOnlyInboxSQL, args, now, states)
	queueCounts(b, countUnseenSQL, args, now, func(_ string, c api.Count) { s.Unseen = c })
	s.queueOutcomes(b, args, now)
	b.Queue(trafficSQL).Query(store.EachRow(s.scanTraffic))
	b.Queue(lastEventsSQL).Query(store.EachRow(func(row pgx.Row) error {
		var family string
		var at time.Time
		err := row.Scan(&family, &at)
		s.LastEvents[family] = at.UTC()
		return err
	}))
	if err := v.batch(ctx, b); err != nil {
		return s, fmt.Errorf("count: %w", err)
	}
	return s, nil
}

// queueCounts reads rows of a name, a count and a time.
func queueCounts(b *pgx.Batch, sql string, args pgx.NamedArgs, now time.Time, set func(string, api.Count)) {
	b.Queue(sql, args).Query(store.EachRow(func(row pgx.Row) error {
		var name string
		var n int
		var at *time.Time
		err := row.Scan(&name, &n, &at)
		set(name, counted(n, at, now))
		return err
	}))
}

func counted(n int, at *time.Time, now time.Time) api.Count {
	c := api.Count{Count: min(n, api.MostCounted), More: n > api.MostCounted}
	if at != nil {
		c.OldestSeconds = age(*at, now)
	}
	return c
}

// queueOutcomes counts how events ended. An outcome that is among the last ends has its newest end there, wherever it is counted.
func (s *Status) queueOutcomes(b *pgx.Batch, args pgx.NamedArgs, now time.Time) {
	queueCounts(b, countOutcomesSQL, args, now, func(outcome string, c api.Count) { s.Outcomes[outcome] = c })
	applied, more := api.Count{}, false
	b.Queue(countLastEndsSQL, args).Query(func(rows pgx.Rows) error {
		err := store.EachRow(func(row pgx.Row) error {
			var outcome string
			var n int
			var last *time.Time
			var beyond bool
			err := row.Scan(&outcome, &n, &last, &beyond)
			more = more || beyond
			c := counted(n, last, now)
			if outcome == string(inorder.Applied) {
				applied = c
			} else {
				known := s.Outcomes[outcome]
				known.OldestSeconds = c.OldestSeconds
				s.Outcomes[outcome] = known
			}
			return err
		})(rows)
		applied.More = more
		s.Outcomes[string(inorder.Applied)] = applied
		return err
	})
}

// lastHour returns sixty minutes without traffic, oldest first.
func lastHour(now time.Time) []api.Minute {
	hour := make([]api.Minute, 60)
	first := now.UTC().Truncate(time.Minute).Add(-59 * time.Minute)
	for i := range hour {
		hour[i] = api.Minute{At: first.Add(time.Duration(i) * time.Minute), Deliveries: map[string]int{}, Ends: map[string]int{}}
	}
	return hour
}

func (s *Status) scanTraffic(row pgx.Row) error {
	var minute time.Time
	var kind, name string
	var n int
	if err := row.Scan(&minute, &kind, &name, &n); err != nil {
		return err
	}
	i := int(minute.Sub(s.Traffic[0].At) / time.Minute)
	if i < 0 || i >= len(s.Traffic) { // another clock wrote it
		return nil
	}
	if kind == "delivery" {
		s.Traffic[i].Deliveries[name] = n
	} else {
		s.Traffic[i].Ends[name] = n
	}
	return nil
}
