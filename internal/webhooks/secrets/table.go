package secrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/platform"
)

// Secret is a row of webhook_secrets.
type Secret struct {
	Name       string          // see Name
	Secret     platform.Secret // "" if a receiver has it from its environment or a file
	Source     string          // the webhook's ID, or the setting that it came from
	CreatedAt  time.Time
	EndsAt     *time.Time // nil for no end
	VerifiedAt *time.Time // when it last verified a delivery; nil for never
}

// KnownWithin is how long it takes at most until every receiver that reaches PostgreSQL verifies deliveries with a secret that
// was committed there. Receivers poll once a second, and a poll takes two seconds at most: this is the poll that just missed the
// secret plus the next.
const KnownWithin = 4 * time.Second

// Valid reports whether the secret verifies deliveries at a time.
func (s Secret) Valid(at time.Time) bool { return s.EndsAt == nil || at.Before(*s.EndsAt) }

// Name returns what a secret is called where it may not be shown: eight hex digits of a hash of it.
func Name(secret string) string {
	sum := sha256.Sum256([]byte("inorder secret name\x00" + secret))
	return hex.EncodeToString(sum[:4])
}

// Table is the table webhook_secrets, which every receiver reads.
type Table struct{ Pool *pgxpool.Pool }

const (
	insertSQL = `
INSERT INTO webhook_secrets (name, secret, source, endpoint_id) VALUES ($1, $2, $3, $3)
ON CONFLICT (name) DO UPDATE
SET secret = excluded.secret, source = excluded.source, endpoint_id = excluded.endpoint_id, ends_at = NULL`

	// An earlier end stays.
	endSQL = `UPDATE webhook_secrets SET ends_at = least(ends_at, $2) WHERE endpoint_id = $1 OR name = $1`

	selectSQL = `
SELECT name, coalesce(secret, ''), source, created_at, ends_at, last_verified_at FROM webhook_secrets ORDER BY created_at, name`

	// An existing row keeps its secret and source.
	verifiedSQL = `
INSERT INTO webhook_secrets (name, source, last_verified_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET last_verified_at = greatest(webhook_secrets.last_verified_at, excluded.last_verified_at)`

	// Rows without a secret stay: otherwise a secret that a receiver has from its environment would be valid again.
	purgeSQL = `DELETE FROM webhook_secrets WHERE ends_at < $1 AND secret IS NOT NULL`
)

// QueueInsert adds to b the statement that records the secret of a webhook.
func QueueInsert(b *pgx.Batch, secret platform.Secret, webhookID string) {
	b.Queue(insertSQL, Name(string(secret)), string(secret), webhookID)
}

// QueueEnd adds to b the statement that ends the secrets of a webhook at that time.
func QueueEnd(b *pgx.Batch, webhookID string, at time.Time) { b.Queue(endSQL, webhookID, at) }

// End ends the secrets of a webhook, or the secret with a name, at that time, and returns how many there are. An earlier end
// stays, so End may be repeated.
func (t Table) End(ctx context.Context, webhookOrName string, at time.Time) (int, error) {
	tag, err := t.Pool.Exec(ctx, endSQL, webhookOrName, at)
	if err != nil {
		return 0, fmt.Errorf("end the secret of %s: %w", webhookOrName, err)
	}
	return int(tag.RowsAffected()), nil
}

// List returns all secrets, including those that have ended, oldest first.
func (t Table) List(ctx context.Context) (list []Secret, err error) {
	rows, err := t.Pool.Query(ctx, selectSQL)
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Secret])
	}
	if err != nil {
		return nil, fmt.Errorf("read the webhook secrets: %w", err)
	}
	return list, nil
}

// Purge deletes the webhooks' secrets that ended before that time, and returns how many.
func (t Table) Purge(ctx context.Context, endedBefore time.Time) (int64, error) {
	tag, err := t.Pool.Exec(ctx, purgeSQL, endedBefore)
	if err != nil {
		return 0, fmt.Errorf("purge webhook_secrets: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Verified records when the secret with that name verified a delivery. source is stored if the secret has no row yet. It may be
// repeated: the latest time stays.
func (t Table) Verified(ctx context.Context, name, source string, at time.Time) error {
	if _, err := t.Pool.Exec(ctx, verifiedSQL, name, source, at); err != nil {
		return fmt.Errorf("record that secret %s verified a delivery: %w", name, err)
	}
	return nil
}
