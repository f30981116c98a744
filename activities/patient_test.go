package activities_test

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	tables "inorder/internal/store"
)

// patient is for tests that force an order of transactions: a transaction waits for a lock long enough for a busy machine to notice it.
func (s *store) patient() *store {
	s.Store = tables.New(patientPool{s.pool})
	return s
}

type patientPool struct{ *pgxpool.Pool }

func (p patientPool) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	o.BeginQuery = strings.Replace(o.BeginQuery, "lock_timeout = '300ms'", "lock_timeout = '30s'", 1)
	return p.Pool.BeginTx(ctx, o)
}
