// Package endpoints keeps, in PostgreSQL, the webhooks that we registered on the platform and the secrets that verify
// their deliveries. Every replica of the receiver reads the same ones.
package endpoints

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/platform"
)

// Store is the tables webhook_endpoints and webhook_secrets.
type Store struct{ Pool *pgxpool.Pool }

// Endpoint is a webhook as we registered it, which is how the platform should have it.
type Endpoint struct {
	ID           string // the platform's
	URL          string
	Events       []string
	Mode         platform.Mode
	Owner        string // of `inorder listen`, whose endpoints end with it; "" for a lasting one, which the watchdog watches
	IsActive     bool
	RegisteredAt time.Time
	LeaseUntil   *time.Time // of `inorder listen`: from then on it is taken for dead; nil for lasting ones
}

const (
	upsertEndpointSQL = `
INSERT INTO webhook_endpoints (id, url, events, mode, owner, is_active, lease_until) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE
SET url = excluded.url, events = excluded.events, mode = excluded.mode, owner = excluded.owner, is_active = excluded.is_active,
    lease_until = excluded.lease_until`

	insertSecretSQL = `
INSERT INTO webhook_secrets (name, secret, source, endpoint_id) VALUES ($1, $2, $3, $3)
ON CONFLICT (name) DO UPDATE
SET secret = excluded.secret, source = excluded.source, endpoint_id = excluded.endpoint_id, ends_at = NULL`

	deleteEndpointSQL = `DELETE FROM webhook_endpoints WHERE id = $1`

	// An end that is nearer stays.
	endSecretSQL = `
UPDATE webhook_secrets SET ends_at = least(ends_at, $2) WHERE endpoint_id = $1 OR name = $1`

	endpointColumns = `id, url, events, mode, owner, is_active, registered_at, lease_until`

	selectEndpointsSQL = `SELECT ` + endpointColumns + ` FROM webhook_endpoints ORDER BY registered_at, id`

	// Two that register at the same time, in two modes, must not both find nothing of the other mode. Readers go on.
	lockEndpointsSQL = `LOCK TABLE webhook_endpoints IN SHARE ROW EXCLUSIVE MODE`

	selectOtherModeSQL = `SELECT ` + endpointColumns + ` FROM webhook_endpoints WHERE mode <> $1 ORDER BY owner, registered_at, id LIMIT 1`
)

// OtherModeError refuses a webhook of one mode where one of the other is recorded: its events would reach the same orders.
type OtherModeError struct {
	Mode     platform.Mode // that is refused
	Recorded Endpoint
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

// CheckMode returns an OtherModeError if an endpoint of another mode is recorded. Add checks again, for good.
func (s Store) CheckMode(ctx context.Context, mode platform.Mode) error {
	return checkMode(ctx, s.Pool, mode)
}

func checkMode(ctx context.Context, db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, mode platform.Mode) error {
	rows, err := db.Query(ctx, selectOtherModeSQL, mode)
	if err != nil {
		return fmt.Errorf("read the endpoints: %w", err)
	}
	others, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Endpoint])
	if err != nil {
		return fmt.Errorf("read the endpoints: %w", err)
	}
	if len(others) > 0 {
		return &OtherModeError{Mode: mode, Recorded: others[0]}
	}
	return nil
}

// Add records an endpoint and its secret, in one transaction. It may be repeated. All that are recorded are of one mode:
// otherwise it is an OtherModeError.
func (s Store) Add(ctx context.Context, e Endpoint, secret platform.Secret) error {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted} // what was committed before the lock was granted must show
	err := pgx.BeginTxFunc(ctx, s.Pool, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockEndpointsSQL); err != nil {
			return err
		}
		if err := checkMode(ctx, tx, e.Mode); err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(upsertEndpointSQL, e.ID, e.URL, e.Events, e.Mode, e.Owner, e.IsActive, e.LeaseUntil)
		b.Queue(insertSecretSQL, Name(string(secret)), string(secret), e.ID)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("record endpoint %s: %w", e.ID, err)
	}
	return nil
}

// Update records how an endpoint should be from now on. It may be repeated.
func (s Store) Update(ctx context.Context, e Endpoint) error {
	if _, err := s.Pool.Exec(ctx, upsertEndpointSQL, e.ID, e.URL, e.Events, e.Mode, e.Owner, e.IsActive, e.LeaseUntil); err != nil {
		return fmt.Errorf("record endpoint %s: %w", e.ID, err)
	}
	return nil
}

// Remove forgets an endpoint, and lets its secret end at that time, for the deliveries that are still under way. It may
// be repeated; the first end stays.
func (s Store) Remove(ctx context.Context, id string, secretEnds time.Time) error {
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(deleteEndpointSQL, id)
		b.Queue(endSecretSQL, id, secretEnds)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("forget endpoint %s: %w", id, err)
	}
	return nil
}

// EndSecret lets the secrets of that endpoint, or of that name, end at that time, and answers how many there are.
func (s Store) EndSecret(ctx context.Context, endpointOrName string, at time.Time) (int, error) {
	tag, err := s.Pool.Exec(ctx, endSecretSQL, endpointOrName, at)
	if err != nil {
		return 0, fmt.Errorf("end the secret of %s: %w", endpointOrName, err)
	}
	return int(tag.RowsAffected()), nil
}

// List gives all endpoints, the oldest first.
func (s Store) List(ctx context.Context) ([]Endpoint, error) {
	rows, err := s.Pool.Query(ctx, selectEndpointsSQL)
	if err != nil {
		return nil, fmt.Errorf("read the endpoints: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Endpoint])
	if err != nil {
		return nil, fmt.Errorf("read the endpoints: %w", err)
	}
	return list, nil
}
