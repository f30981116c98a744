package endpoints

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder/internal/platform"
)

// Secret is one that verifies deliveries, and when it was last of use.
type Secret struct {
	Name       string          // see Name
	Secret     platform.Secret // "" for one that a receiver has from its environment or a file
	Source     string          // the endpoint's ID, or the setting that it came from
	CreatedAt  time.Time
	EndsAt     *time.Time // nil for no end
	VerifiedAt *time.Time // nil for never
}

// KnownWithin is how long after its commit every receiver that reaches PostgreSQL verifies deliveries by a new secret:
// receivers look once a second, and give a look two, so it is the look that just missed it and the next one.
const KnownWithin = 4 * time.Second

// Valid reports whether it verifies deliveries now.
func (s Secret) Valid(now time.Time) bool { return s.EndsAt == nil || now.Before(*s.EndsAt) }

// Name is what a secret is called where it may not be shown: eight hex digits of a hash of it.
func Name(secret string) string {
	sum := sha256.Sum256([]byte("inorder secret name\x00" + secret))
	return hex.EncodeToString(sum[:4])
}

const (
	selectSecretsSQL = `
SELECT name, coalesce(secret, ''), source, created_at, ends_at, last_verified_at FROM webhook_secrets ORDER BY created_at, name`

	// One that is known from elsewhere keeps its secret and source.
	noteVerifiedSQL = `
INSERT INTO webhook_secrets (name, source, last_verified_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET last_verified_at = greatest(webhook_secrets.last_verified_at, excluded.last_verified_at)`
)

// Secrets gives all secrets, those that have ended included, the oldest first.
func (s Store) Secrets(ctx context.Context) ([]Secret, error) {
	rows, err := s.Pool.Query(ctx, selectSecretsSQL)
	if err != nil {
		return nil, fmt.Errorf("read the webhook secrets: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Secret])
	if err != nil {
		return nil, fmt.Errorf("read the webhook secrets: %w", err)
	}
	return list, nil
}

// PurgeSecrets forgets those of ours that ended before that time, and answers how many. The end of one that a receiver has
// from its environment stays, because that one would be valid again without it.
func (s Store) PurgeSecrets(ctx context.Context, endedBefore time.Time) (int64, error) {
	tag, err := s.Pool.Exec(ctx, `DELETE FROM webhook_secrets WHERE ends_at < $1 AND secret IS NOT NULL`, endedBefore)
	if err != nil {
		return 0, fmt.Errorf("purge webhook_secrets: %w", err)
	}
	return tag.RowsAffected(), nil
}

// NoteVerified records that the secret of that name verified a delivery. source is where a secret came from that is not
// recorded yet.
func (s Store) NoteVerified(ctx context.Context, name, source string, at time.Time) error {
	if _, err := s.Pool.Exec(ctx, noteVerifiedSQL, name, source, at); err != nil {
		return fmt.Errorf("note that secret %s verified a delivery: %w", name, err)
	}
	return nil
}
