package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// KeptAnswer is how long the answer to a request with an Idempotency-Key is kept.
const KeptAnswer = 24 * time.Hour

// KeyClaim is the right to answer the request with an Idempotency-Key, until its lease ends. Another process can then claim it.
type KeyClaim struct {
	Actor, Key string
	// Since is when the key was first used for this request. With actor and key it identifies the act, even if the request is retried.
	Since time.Time
	until time.Time
}

// KeptResponse is what was answered to a request.
type KeptResponse struct {
	Status      int
	ContentType string
	Body        []byte
}

var (
	// ErrKeyInUse says that a request with this key is being answered.
	ErrKeyInUse = errors.New("another request with this key is still being answered")
	// ErrKeyOfAnother says that the key came with another request.
	ErrKeyOfAnother = errors.New("the key was already used for a different request")
	// ErrKeyLost says that a claim does not hold its key any more.
	ErrKeyLost = errors.New("the key's lease has expired")
)

const (
	// A key is free if it is new, if its day is over, or if whoever was answering the same request is gone. Of two
	// concurrent claims, the second waits for the first one's row, and then finds it.
	claimKeySQL = `
INSERT INTO idempotency_keys AS k (actor, key, request_hash, lease_until)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
ON CONFLICT (actor, key) DO UPDATE SET request_hash = excluded.request_hash, lease_until = excluded.lease_until,
    status = NULL, content_type = NULL, response = NULL,
    created_at = CASE WHEN k.created_at < now() - make_interval(secs => $5) THEN now() ELSE k.created_at END
WHERE k.created_at < now() - make_interval(secs => $5)
   OR k.request_hash = excluded.request_hash AND k.status IS NULL AND k.lease_until <= now()
RETURNING created_at, lease_until`

	selectKeySQL = `
SELECT request_hash = $3, coalesce(status, 0), coalesce(content_type, ''), response FROM idempotency_keys WHERE actor = $1 AND key = $2`

	// lease_until also says who holds the lease: no two claims of a key have the same one.
	renewKeySQL = `
UPDATE idempotency_keys SET lease_until = now() + make_interval(secs => $4)
WHERE actor = $1 AND key = $2 AND lease_until = $3 RETURNING lease_until`

	keepAnswerSQL = `
UPDATE idempotency_keys SET status = $4, content_type = $5, response = $6, lease_until = NULL
WHERE actor = $1 AND key = $2 AND lease_until = $3`

	// The row stays, and with it Since: a request that is tried again is the same act.
	freeKeySQL = `UPDATE idempotency_keys SET lease_until = now() WHERE actor = $1 AND key = $2 AND lease_until = $3`

	purgeKeysSQL = `
DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < now() - make_interval(secs => $1)
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))`
)

// ClaimKey claims a key for the request with this hash. If the same request was answered before, it returns that answer instead. Its
// errors are ErrKeyInUse, ErrKeyOfAnother and PostgreSQL's.
func (s *Store) ClaimKey(ctx context.Context, actor, key string, request []byte, lease time.Duration) (c KeyClaim, kept *KeptResponse, err error) {
	c = KeyClaim{Actor: actor, Key: key}
	for range 3 { // a key that is freed between the two statements is claimed with the next round
		var mine, same, found bool
		err = s.alone(ctx, claimKeySQL, []any{actor, key, request, lease.Seconds(), KeptAnswer.Seconds()}, EachRow(func(row pgx.Row) error {
			mine = true
			return row.Scan(&c.Since, &c.until)
		}))
		if err != nil || mine {
			return c, nil, err
		}
		var was KeptResponse
		found, err = s.scanOne(ctx, selectKeySQL, []any{actor, key, request}, &same, &was.Status, &was.ContentType, &was.Body)
		switch {
		case err != nil:
			return c, nil, err
		case found && !same:
			return c, nil, ErrKeyOfAnother
		case found && was.Status != 0:
			return c, &was, nil
		}
	}
	return c, nil, ErrKeyInUse
}

// RenewKey extends the claim's lease, from now. It returns ErrKeyLost if the claim does not hold the key any more.
func (s *Store) RenewKey(ctx context.Context, c *KeyClaim, lease time.Duration) error {
	renewed := false
	err := s.alone(ctx, renewKeySQL, []any{c.Actor, c.Key, c.until, lease.Seconds()}, EachRow(func(row pgx.Row) error {
		renewed = true
		return row.Scan(&c.until)
	}))
	if err == nil && !renewed {
		return ErrKeyLost
	}
	return err
}

// KeepAnswer stores the answer to the claim's request, and ends the claim. It changes nothing if the claim was lost.
func (s *Store) KeepAnswer(ctx context.Context, c KeyClaim, r KeptResponse) error {
	return s.alone(ctx, keepAnswerSQL, []any{c.Actor, c.Key, c.until, r.Status, r.ContentType, r.Body}, EachRow(nothing))
}

// FreeKey ends the claim without an answer, so that the same request can be tried again.
func (s *Store) FreeKey(ctx context.Context, c KeyClaim) error {
	return s.alone(ctx, freeKeySQL, []any{c.Actor, c.Key, c.until}, EachRow(nothing))
}

func nothing(pgx.Row) error { return nil }

// PurgeKeys deletes at most limit keys whose day is over, and returns how many it deleted.
func (s *Store) PurgeKeys(ctx context.Context, limit int) (deleted int64, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, purgeKeysSQL, KeptAnswer.Seconds(), limit)
		deleted = tag.RowsAffected()
		return err
	})
	return deleted, err
}
