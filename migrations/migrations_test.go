package migrations_test

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/config"
	"inorder/migrations"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func connect(t *testing.T, url string) *pgxpool.Pool {
	c, err := config.PoolConfig(url)
	require.NoError(t, err)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func TestFiveAtOnceEachWithOneConnection(t *testing.T) {
	t.Parallel()
	url := testenv.WithParameter(testenv.DatabaseURL(t), "pool_max_conns", "1")
	var five sync.WaitGroup
	for range 5 {
		pool := connect(t, url)
		five.Go(func() {
			if err := migrations.Apply(t.Context(), pool, testenv.Log); err != nil {
				t.Error(err)
			}
		})
	}
	five.Wait()
	pool := connect(t, url)
	require.NoError(t, migrations.Check(t.Context(), pool))
	var systems int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM system_identity`).Scan(&systems))
	require.Equal(t, 1, systems)
}

func TestADatabaseOfAnotherEncodingIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			pool := connect(t, testenv.DatabaseURL(t, `TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING`, `'`+encoding+`'`))
			for _, err := range []error{migrations.Apply(t.Context(), pool, testenv.Log), migrations.Check(t.Context(), pool)} {
				var wrong *migrations.EncodingError
				require.ErrorAs(t, err, &wrong)
				require.Equal(t, encoding, wrong.Encoding)
				require.ErrorContains(t, err, "UTF8")
				require.ErrorContains(t, err, "CREATE DATABASE")
				require.ErrorContains(t, err, "DATABASE_URL")
			}
			var tables int
			require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables))
			require.Zero(t, tables)
		})
	}
}

// Whatever the environment, the URL and the database say, what is written is read back.
func TestOurConnectionsSpeakUTF8(t *testing.T) {
	url := testenv.DatabaseURL(t)
	t.Setenv("PGCLIENTENCODING", "LATIN1")
	t.Setenv("PGOPTIONS", "-c client_encoding=LATIN1")
	for name, url := range map[string]string{
		"the environment": url,
		"the URL":         testenv.WithParameter(url, "client_encoding", "LATIN1"),
		"its options":     testenv.WithParameter(url, "options", "-cclient_encoding=LATIN1"),
	} {
		pool := connect(t, url)
		var encoding, text string
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT current_setting('client_encoding'), chr(54620) || $1::text`, "국어").Scan(&encoding, &text))
		require.Equal(t, "UTF8", encoding, name)
		require.Equal(t, "한국어", text, name)
	}
}
