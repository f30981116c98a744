package secrets

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/loglimit"
)

// shared is what the last successful poll of the table found.
type shared struct {
	store    Shared
	entries  []entry
	verified map[string]int64 // when each secret last verified a delivery, by name

	state      state
	reading    reading
	writeFails bool // the last uses could not be written
}

type state int

const (
	unknown state = iota
	reachable
	away
	unprepared
)

// poll reads the table. While that fails, the last known secrets stay valid. The first failure and the recovery are logged.
func (s *shared) poll(ctx context.Context, log *slog.Logger, now time.Time) {
	rows, err := s.store.List(ctx)
	if errors.Is(ctx.Err(), context.Canceled) { // the process was stopped while it started
		return
	}
	s.reading.note(err, now)
	before := s.state
	s.state = stateOf(err)
	switch {
	case s.state == before:
	case s.state == unprepared:
		log.Error("the database is not prepared for webhook secrets: run `inorder migrate`; until then only WEBHOOK_SECRETS and WEBHOOK_SECRETS_FILE are used",
			"cause", loglimit.OneLine(err))
	case s.state == away:
		log.Warn("the webhook secrets in PostgreSQL cannot be read; those that are known stay valid", "cause", loglimit.OneLine(err))
	case before != unknown:
		log.Info("the webhook secrets in PostgreSQL can be read again")
	}
	if err != nil {
		return
	}
	s.entries, s.verified = nil, map[string]int64{}
	for _, row := range rows {
		e := entry{secret: row.Secret, name: row.Name, source: row.Source}
		if row.EndsAt != nil {
			e.ends = *row.EndsAt
		}
		if row.VerifiedAt != nil {
			s.verified[row.Name] = row.VerifiedAt.UnixMicro()
		}
		s.entries = append(s.entries, e)
	}
}

func stateOf(err error) state {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		return reachable
	case ok && (refused.Code == "42P01" || refused.Code == "42703"): // no such table, no such column
		return unprepared
	}
	return away
}

// writeUses writes to the table when each secret last verified a delivery. It skips a secret whose last write, even a failed one,
// began less than pause ago. It stops at the first failure; a later poll tries again.
func (k *Keyring) writeUses(ctx context.Context, pause time.Duration) {
	if k.shared == nil || k.shared.state != reachable {
		return
	}
	now := k.now()
	for name, u := range k.uses {
		at := u.last.Load()
		if at <= u.written || now.Sub(u.tried) < pause {
			continue
		}
		u.tried = now
		if err := k.shared.store.Verified(ctx, name, u.from, time.UnixMicro(at)); err != nil {
			if !k.shared.writeFails {
				k.log.Warn("the last use of the webhook secrets cannot be written to PostgreSQL; it is tried again", "cause", loglimit.OneLine(err))
			}
			k.shared.writeFails = true
			return
		}
		u.written, k.shared.writeFails = at, false
	}
}
