package traffic

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/await"
	"inorder/internal/loglimit"
)

// DB is a *pgxpool.Pool, or what a test puts in its place.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Writer writes the counts of a Recorder to PostgreSQL, by the minute. While PostgreSQL is away, it keeps the counts of the last two hours.
type Writer struct {
	r       *Recorder
	db      DB
	log     *loglimit.Logger
	process uuid.UUID

	counted  tally    // since the process began
	minutes  []minute // the oldest first: those that are not written, and the last one
	written  map[string]time.Time
	purgedAt time.Time
}

// minute is what happened in one minute, in this process. Its rows are written with their totals, so they may be written again if nobody
// knows whether the last write succeeded.
type minute struct {
	at      time.Time
	counts  tally
	changed bool // since it was written
}

// tally has a count for each result, and for each outcome.
type tally struct {
	deliveries [len(results)]int64
	ends       [len(outcomes)]int64
}

const (
	writeEvery   = 5 * time.Second
	writeTimeout = 5 * time.Second
	stopTimeout  = 2 * time.Second
	purgeEvery   = 10 * time.Minute

	keptMinutes = 120
)

const (
	// The rows are this process's own, except those of last_events, which all processes write in the same order.
	writeSQL = `
WITH last AS (
	INSERT INTO last_events AS l (family, at) SELECT * FROM unnest($6::text[], $7::timestamptz[])
	ON CONFLICT (family) DO UPDATE SET at = excluded.at WHERE l.at < excluded.at
)
INSERT INTO traffic_minutes (minute, process, kind, name, count)
SELECT minute, $1, kind, name, count FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::bigint[]) AS t (minute, kind, name, count)
ON CONFLICT (minute, process, kind, name) DO UPDATE SET count = excluded.count`

	purgeSQL = `DELETE FROM traffic_minutes WHERE minute < now() - interval '2 hours'`
)

// NewWriter returns a writer that works once Run is called.
func NewWriter(r *Recorder, db DB, log *loglimit.Logger) *Writer {
	return &Writer{r: r, db: db, log: log, process: uuid.New(), written: map[string]time.Time{}}
}

// Run writes every few seconds until ctx ends, and then once more.
func (w *Writer) Run(ctx context.Context) {
	for await.Sleep(ctx, writeEvery) == nil {
		w.write(ctx, time.Now(), writeTimeout)
	}
	w.write(context.WithoutCancel(ctx), time.Now(), stopTimeout)
}

// write writes what has changed. What can't be written is written the next time.
func (w *Writer) write(ctx context.Context, now time.Time, within time.Duration) {
	w.count(now)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	rows, last := w.rows(), w.lastEvents()
	if len(rows.names)+len(last.families) > 0 {
		if _, err := w.db.Exec(ctx, writeSQL, w.process, rows.minutes, rows.kinds, rows.names, rows.counts, last.families, last.times); err != nil {
			w.log.Log(slog.LevelWarn, "traffic", "the counts of deliveries and ends could not be written; they are kept", "cause", loglimit.OneLine(err))
			return
		}
	}
	w.settle(last)
	if now.Sub(w.purgedAt) >= purgeEvery {
		if _, err := w.db.Exec(ctx, purgeSQL); err == nil {
			w.purgedAt = now
		}
	}
}

// count adds what was counted since the last time to this minute.
func (w *Writer) count(now time.Time) {
	at := now.UTC().Truncate(time.Minute)
	if n := len(w.minutes); n == 0 || w.minutes[n-1].at.Before(at) {
		w.minutes = append(w.minutes, minute{at: at})
	}
	if n := len(w.minutes); n > keptMinutes {
		w.minutes = w.minutes[n-keptMinutes:]
	}
	this, counted := &w.minutes[len(w.minutes)-1], w.r.tally()
	for i, n := range counted.deliveries {
		this.add(&this.counts.deliveries[i], n-w.counted.deliveries[i])
	}
	for i, n := range counted.ends {
		this.add(&this.counts.ends[i], n-w.counted.ends[i])
	}
	w.counted = counted
}

func (m *minute) add(count *int64, n int64) {
	*count += n
	m.changed = m.changed || n != 0
}

func (r *Recorder) tally() (t tally) {
	for i := range t.deliveries {
		t.deliveries[i] = r.deliveries[i].Load()
	}
	for i := range vias {
		for j := range t.ends {
			t.ends[j] += r.ends[i][j].Load()
		}
	}
	return t
}
