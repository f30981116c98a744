package webhooks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/platform"
	"inorder/internal/webhooks/secrets"
)

// Record is a row of webhook_endpoints: a webhook as we registered it, which is how the platform should have it.
type Record struct {
	ID           string // the platform's
	URL          string
	Events       []string
	Mode         platform.Mode
	Owner        string // the `inorder listen` that it ends with; "" for a lasting webhook, which the watchdog watches
	IsActive     bool
	RegisteredAt time.Time
	LeaseUntil   *time.Time // when that `inorder listen` counts as dead; nil for a lasting webhook
}

// Store reads and writes the tables webhook_endpoints and webhook_secrets.
type Store struct{ Pool *pgxpool.Pool }

// Secrets returns only the table of the secrets.
func (s Store) Secrets() secrets.Table { return secrets.Table{Pool: s.Pool} }

const (
	upsertSQL = `
INSERT INTO webhook_endpoints (id, url, events, mode, owner, is_active, lease_until) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE
SET url = excluded.url, events = excluded.events, mode = excluded.mode, owner = excluded.owner, is_active = excluded.is_active,
    lease_until = excluded.lease_until`

	// No upsert: it would bring back a record that was deleted meanwhile, and the watchdog would register its webhook again.
	updateSQL = `
UPDATE webhook_endpoints SET url = $2, events = $3, mode = $4, owner = $5, is_active = $6, lease_until = $7 WHERE id = $1`

	deleteSQL = `DELETE FROM webhook_endpoints WHERE id = $1`

	columns = `id, url, events, mode, owner, is_active, registered_at, lease_until`

	selectSQL = `SELECT ` + columns + ` FROM webhook_endpoints ORDER BY registered_at, id`

	// Two concurrent registrations in different modes must not both find no webhook of the other mode. Readers aren't blocked.
	lockSQL = `LOCK TABLE webhook_endpoints IN SHARE ROW EXCLUSIVE MODE`

	selectOtherModeSQL = `SELECT ` + columns + ` FROM webhook_endpoints WHERE mode <> $1 ORDER BY owner, registered_at, id LIMIT 1`
)

// OtherModeError says that a webhook was refused because one of the other mode is recorded: the events of both would reach the
// same orders.
type OtherModeError struct {
	Mode     platform.Mode // of the refused webhook
	Recorded Record
}

func (e *OtherModeError) Error() string {
	has := e.Recorded
	end := fmt.Sprintf("delete that webhook first, with a sk_%s_… key: `inorder hooks delete %s --keep 0s`", has.Mode, has.ID)
	if has.Owner != "" {
		end = fmt.Sprintf("end the `inorder listen` that it belongs to (%s), or if that is dead, %s", has.Owner, end)
	}
	return fmt.Sprintf("webhook %s of %s mode is recorded in this database (%s), and %s-mode events would change the same orders: "+
		"use another database (DATABASE_URL) for %[4]s mode, or %[5]s", has.ID, has.Mode, has.URL, e.Mode, end)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func query(ctx context.Context, db querier, sql string, args ...any) (list []Record, err error) {
	rows, err := db.Query(ctx, sql, args...)
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Record])
	}
	if err != nil {
		return nil, fmt.Errorf("read the recorded webhooks: %w", err)
	}
	return list, nil
}

// List returns all records, the oldest first.
func (s Store) List(ctx context.Context) ([]Record, error) { return query(ctx, s.Pool, selectSQL) }

// checkMode returns an OtherModeError if a webhook of another mode is recorded.
func checkMode(ctx context.Context, db querier, mode platform.Mode) error {
	others, err := query(ctx, db, selectOtherModeSQL, mode)
	if err == nil && len(others) > 0 {
		err = &OtherModeError{Mode: mode, Recorded: others[0]}
	}
	return err
}

// Add records a webhook and its secret in one transaction. It may be repeated. All recorded webhooks have one mode: Add refuses
// the other with an OtherModeError.
func (s Store) Add(ctx context.Context, r Record, secret platform.Secret) error {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted} // the check must see what was committed before the lock was granted
	err := pgx.BeginTxFunc(ctx, s.Pool, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSQL); err != nil {
			return err
		}
		if err := checkMode(ctx, tx, r.Mode); err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(upsertSQL, r.values()...)
		secrets.QueueInsert(b, secret, r.ID)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("record webhook %s: %w", r.ID, err)
	}
	return nil
}

func (r Record) values() []any {
	return []any{r.ID, r.URL, r.Events, r.Mode, r.Owner, r.IsActive, r.LeaseUntil}
}

// Update records how a webhook should be from now on. It reports false if there is no record of that ID. It may be repeated.
func (s Store) Update(ctx context.Context, r Record) (recorded bool, err error) {
	tag, err := s.Pool.Exec(ctx, updateSQL, r.values()...)
	if err != nil {
		return false, fmt.Errorf("record webhook %s: %w", r.ID, err)
	}
	return tag.RowsAffected() > 0, nil
}

// Save is Update for a webhook whose record may be gone, for example because PostgreSQL was restored: it then writes a new one. It
// may be repeated.
func (s Store) Save(ctx context.Context, r Record) error {
	if _, err := s.Pool.Exec(ctx, upsertSQL, r.values()...); err != nil {
		return fmt.Errorf("record webhook %s: %w", r.ID, err)
	}
	return nil
}

// Remove deletes the record of a webhook. Its secret ends only at secretEnds, for the deliveries that are under way. It may be
// repeated: the earliest end stays.
func (s Store) Remove(ctx context.Context, id string, secretEnds time.Time) error {
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(deleteSQL, id)
		secrets.QueueEnd(b, id, secretEnds)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("remove the record of webhook %s: %w", id, err)
	}
	return nil
}

// EndSecret ends the secret with that name at that time and returns when it ends: an earlier end stays. Without force, it refuses
// to end a secret that an active webhook's deliveries need. It may be repeated.
func (s Store) EndSecret(ctx context.Context, name string, at time.Time, force bool) (ends time.Time, err error) {
	secret, found, err := s.secret(ctx, func(secret secrets.Secret) bool { return secret.Name == name })
	if err == nil && !found {
		err = fmt.Errorf("there is no secret named %q here: see `inorder hooks secrets list`. One of WEBHOOK_SECRETS or WEBHOOK_SECRETS_FILE that has "+
			"verified nothing yet is known only to its receivers: remove it there", name)
	}
	if err != nil {
		return at, err
	}
	registered, err := s.List(ctx)
	if err != nil {
		return at, err
	}
	for _, r := range registered {
		// The platform signs with the secret that it showed, so no other secret can replace it.
		if r.ID == secret.Source && r.IsActive && !force {
			return at, fmt.Errorf("secret %s signs what the active webhook %s delivers, and all of it would be refused: `inorder hooks rotate %[2]s` "+
				"replaces the secret first; --force ends it anyway", name, r.ID)
		}
	}
	if _, err := s.Secrets().End(ctx, name, at); err != nil {
		return at, err
	}
	if secret.EndsAt != nil && secret.EndsAt.Before(at) {
		return *secret.EndsAt, nil
	}
	return at, nil
}

// SecretName returns the name of a webhook's secret, "(none)" if none is recorded.
func (s Store) SecretName(ctx context.Context, id string) (string, error) {
	secret, found, err := s.secret(ctx, func(secret secrets.Secret) bool { return secret.Source == id })
	if !found {
		return "(none)", err
	}
	return secret.Name, nil
}

func (s Store) secret(ctx context.Context, is func(secrets.Secret) bool) (secret secrets.Secret, found bool, err error) {
	list, err := s.Secrets().List(ctx)
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true, nil
	}
	return secret, false, err
}
