package refused

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/await"
	"inorder/internal/loglimit"
)

// DB is a *pgxpool.Pool, or what a test puts in its place.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Table is refused_deliveries. For each reason and each kind of evidence it keeps the newest rows and the first rows of the last day, so that what
// began before a flood stays, and so does what goes on. The same holds within each address. The arithmetic: 4 reasons * 3 kinds * 2 * keptOfKind
// rows, of which none takes more than 8 KiB and most take 1 KiB.
type Table struct{ DB DB }

const (
	keptOfKind  = 300
	keptOfPlace = 10
)

const (
	insertSQL = `
INSERT INTO refused_deliveries (at, reason, status, evidence, client, network, causes, secret_name, secret_source, summary, advice, bytes, body_hash,
	content_type, content_encoding, user_agent, header_names, event_id, type, order_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, nullif($18, ''), nullif($19, ''), nullif($20, ''))`

	// A row that is not committed yet is not seen, and so not deleted.
	trimSQL = `
WITH numbered AS (
	SELECT id, evidence, reason, at, at > now() - interval '1 day' AS is_new, row_number() OVER newest AS newest, row_number() OVER oldest AS oldest
	FROM refused_deliveries
	WINDOW newest AS (PARTITION BY evidence, reason, network ORDER BY at DESC, id DESC),
	       oldest AS (PARTITION BY evidence, reason, network ORDER BY at <= now() - interval '1 day', at, id)
), of_kind AS (
	SELECT id, is_new, row_number() OVER newest AS newest, row_number() OVER oldest AS oldest
	FROM numbered WHERE newest <= $2 OR is_new AND oldest <= $2
	WINDOW newest AS (PARTITION BY evidence, reason ORDER BY at DESC, id DESC),
	       oldest AS (PARTITION BY evidence, reason ORDER BY NOT is_new, at, id)
)
DELETE FROM refused_deliveries AS r
WHERE NOT EXISTS (SELECT FROM of_kind AS k WHERE k.id = r.id AND (k.newest <= $1 OR k.is_new AND k.oldest <= $1))`
)

// Insert adds a sample. If it is repeated, it adds a second row.
func (t Table) Insert(ctx context.Context, s Sample) error {
	var bytes *int64
	if s.Bytes >= 0 {
		bytes = &s.Bytes
	}
	causes, names := make([]string, len(s.Causes)), s.HeaderNames
	for i, c := range s.Causes {
		causes[i] = string(c)
	}
	if names == nil {
		names = []string{}
	}
	_, err := t.DB.Exec(ctx, insertSQL, s.At, string(s.Reason), s.Status, string(s.Evidence), s.Client.String(), s.Network.String(), causes, s.Secret, s.Source,
		s.Summary, s.Advice, bytes, s.BodyHash, s.ContentType, s.ContentEncoding, s.UserAgent, names, s.EventID, s.Type, s.OrderID)
	return err
}

// Trim deletes the rows that are over the bounds, and returns how many. It may be repeated, and may run concurrently.
func (t Table) Trim(ctx context.Context) (int64, error) {
	tag, err := t.DB.Exec(ctx, trimSQL, keptOfKind, keptOfPlace)
	return tag.RowsAffected(), err
}

const (
	trimEvery    = 10 * time.Second
	writeTimeout = 3 * time.Second
	writePause   = 2 * time.Second // after a failure
)

// write writes samples until the channel is closed, which Run does once ctx has ended. Then it tries each of those that are left once, and
// writeTimeout bounds them all. While PostgreSQL is away, samples stay in the channel.
func (k *Keeper) write(ctx context.Context) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(writeTimeout, cancel) })()
	trimmed, written := time.Time{}, 0
	for s := range k.samples {
		for !k.insert(last, s) {
			if await.Sleep(ctx, writePause) != nil {
				k.o.Metrics.dropped(dropUnwritten)
				break
			}
		}
		if written++; time.Since(trimmed) >= trimEvery || written >= keptOfKind {
			k.trim(last)
			trimmed, written = time.Now(), 0
		}
	}
	k.trim(last)
}

// insert returns false if PostgreSQL is away. A sample that PostgreSQL refuses is dropped: the schema may be older, or it is a fault.
func (k *Keeper) insert(ctx context.Context, s Sample) bool {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := k.o.Table.Insert(ctx, s)
	if err == nil {
		k.o.Metrics.kept.Inc()
		return true
	}
	k.o.Log.Log(slog.LevelWarn, "refused", "a sample of a refused delivery was not written", "cause", loglimit.OneLine(err))
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && !isPassing(answer.Code) {
		k.o.Metrics.dropped(dropUnwritten)
		return true
	}
	return false
}

// isPassing reports whether an SQLSTATE is of a server that is busy, stopping or without connections.
func isPassing(code string) bool {
	return slices.Contains([]string{"08", "40", "53", "55", "57"}, code[:min(2, len(code))])
}

func (k *Keeper) trim(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if _, err := k.o.Table.Trim(ctx); err != nil {
		k.o.Log.Log(slog.LevelWarn, "refused trim", "old samples of refused deliveries were not deleted; this is retried", "cause", loglimit.OneLine(err))
	}
}
