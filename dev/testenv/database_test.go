package testenv

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/sample"
	"inorder/migrations"
)

func TestMain(m *testing.M) { Main(m) }

func TestDatabasesAreMigratedAndOnesOwn(t *testing.T) {
	first, second := Database(t), Database(t)
	require.NoError(t, migrations.Check(t.Context(), first))
	_, err := first.Exec(t.Context(), `INSERT INTO webhook_endpoints (id, url, events, mode, is_active) VALUES ('wh_1', '', '{}', 'test', true)`)
	require.NoError(t, err)
	var n int
	require.NoError(t, second.QueryRow(t.Context(), `SELECT count(*) FROM webhook_endpoints`).Scan(&n))
	require.Zero(t, n)

	var older *migrations.OlderSchemaError
	require.ErrorAs(t, migrations.Check(t.Context(), Pool(t, DatabaseURL(t))), &older)
}

func TestDatabasesAreDropped(t *testing.T) {
	pool, err := server()
	require.NoError(t, err)
	var name string
	t.Run("with the test that has them", func(t *testing.T) {
		own := Database(t)
		name = own.Config().ConnConfig.Database
		go own.Exec(t.Context(), `SELECT pg_sleep(600)`) // a busy connection must not prevent the drop
	})
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_database WHERE datname = $1`, name).Scan(&n))
	require.Zero(t, n)
}

// If a test fails before it releases a connection, closing the pool would otherwise wait forever.
func TestAConnectionInUseDoesNotHoldUpTheEnd(t *testing.T) {
	pool, err := connect(MigratedURL(t))
	require.NoError(t, err)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	require.False(t, closes(pool, 50*time.Millisecond))
	conn.Release()
	require.True(t, closes(pool, Patience))
}

func TestATemplateIsMadeOnce(t *testing.T) {
	pool, err := server()
	require.NoError(t, err)
	name := sample.NewID("half_made_") // as by a killed run
	_, err = pool.Exec(t.Context(), `CREATE DATABASE `+name)
	require.NoError(t, err)
	made := make(chan error)
	for range 5 {
		go func() { made <- ensureTemplate(t.Context(), name) }()
	}
	for range 5 {
		require.NoError(t, <-made)
	}
	require.NoError(t, migrations.Check(t.Context(), Pool(t, create(t, " TEMPLATE "+name))))
}
