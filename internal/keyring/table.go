package keyring

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/loglimit"
)

// table is what is known of the table.
type table struct {
	store    Table
	entries  []entry
	verified map[string]int64 // when each secret last verified a delivery, by name, as far as the table knows

	state  state
	unable bool // to write the last uses
}

type state int

const (
	unknown state = iota
	there
	away
	unprepared
)

// look reads the table. While that fails, what is known counts on; it is logged once, and once when it is over.
func (t *table) look(ctx context.Context, log *slog.Logger) {
	rows, err := t.store.Secrets(ctx)
	if errors.Is(ctx.Err(), context.Canceled) { // stopped while it started
		return
	}
	before := t.state
	t.state = stateOf(err)
	switch {
	case t.state == before:
	case t.state == unprepared:
		log.Error("the database has no webhook secrets yet: run `inorder migrate`; until then only WEBHOOK_SECRETS and WEBHOOK_SECRETS_FILE count",
			"cause", loglimit.OneLine(err))
	case t.state == away:
		log.Warn("the webhook secrets in PostgreSQL cannot be read; those that are known stay valid", "cause", loglimit.OneLine(err))
	case before != unknown:
		log.Info("the webhook secrets in PostgreSQL can be read again")
	}
	if err != nil {
		return
	}
	t.entries, t.verified = nil, map[string]int64{}
	for _, row := range rows {
		e := entry{secret: row.Secret, name: row.Name, source: row.Source}
		if row.EndsAt != nil {
			e.ends = *row.EndsAt
		}
		if row.VerifiedAt != nil {
			t.verified[row.Name] = row.VerifiedAt.UnixMicro()
		}
		t.entries = append(t.entries, e)
	}
}

func stateOf(err error) state {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return there
	case errors.As(err, &refused) && (refused.Code == "42P01" || refused.Code == "42703"): // no such table, no such column
		return unprepared
	}
	return away
}

// note writes to the table when each secret last verified a delivery, but no secret's more often than that. What fails
// is written later.
func (k *Keyring) note(ctx context.Context, pause time.Duration) {
	if k.table == nil || k.table.state != there {
		return
	}
	now := k.now()
	var failed error
	for name, u := range k.uses {
		at := u.last.Load()
		if at <= u.noted || now.Sub(u.tried) < pause {
			continue
		}
		u.tried = now
		if err := k.table.store.NoteVerified(ctx, name, u.from, time.UnixMicro(at)); err != nil {
			failed = err
			break
		}
		u.noted, k.table.unable = at, false
	}
	if failed != nil && !k.table.unable {
		k.table.unable = true
		k.log.Warn("the last use of the webhook secrets cannot be written to PostgreSQL; it is tried again", "cause", loglimit.OneLine(failed))
	}
}
