package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/activities"
	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/internal/config"
	"inorder/internal/loglimit"
	"inorder/internal/reconcile"
	"inorder/internal/redelivery"
	"inorder/internal/sample"
	tables "inorder/internal/store"
)

// BenchmarkApplyEvent compares the costs of pgx's modes of executing a statement, directly and through PgBouncer in transaction mode.
func BenchmarkApplyEvent(b *testing.B) {
	modes := []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec}
	for _, mode := range modes {
		b.Run("direct/"+mode.String(), func(b *testing.B) { benchmarkApply(b, mode, testenv.MigratedURL(b)) })
	}
	for _, mode := range modes[1:] { // the first mode doesn't work there
		b.Run("pgbouncer/"+mode.String(), func(b *testing.B) {
			pooled, stop, err := stack.PgBouncer(b.Context(), testenv.MigratedURL(b), 3)
			if errors.Is(err, stack.ErrNotInstalled) {
				b.Skip(err)
			}
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, stop()) })
			benchmarkApply(b, mode, pooled)
		})
	}
}

func benchmarkApply(b *testing.B, mode pgx.QueryExecMode, url string) {
	w := &wire{}
	c, err := config.PoolConfig(url)
	require.NoError(b, err)
	c.MaxConns, c.BeforeConnect, c.AfterConnect = 1, nil, nil
	c.ConnConfig.DefaultQueryExecMode, c.ConnConfig.DialFunc = mode, w.dial
	pool, err := pgxpool.NewWithConfig(b.Context(), c)
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	s := &store{t: b, Activities: &activities.Activities{Store: tables.New(pool), Reconcile: reconcile.NewMetrics(nil), Redelivery: redelivery.NewMetrics(nil), Log: testenv.Log, Limited: loglimit.New(testenv.Log, loglimit.Every), MaxEventSkew: 100 * 365 * 24 * time.Hour}}
	apply := func() {
		s.apply(string(sample.Event(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})))
	}
	apply() // connects
	trips := w.count(func() {
		for b.Loop() {
			apply()
		}
	})
	b.ReportMetric(float64(trips)/float64(b.N), "round-trips/op")
}
