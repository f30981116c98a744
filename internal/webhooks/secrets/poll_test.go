package secrets

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/platform"
)

// A poll in a test must not fail because PostgreSQL is busy for two seconds.
func TestMain(m *testing.M) {
	pollTimeout = testenv.Patience
	testenv.Main(m)
}

func newStore(t *testing.T) Table { return Table{Pool: testenv.Database(t)} }

// add records a secret, as the registration of a webhook does.
func add(t *testing.T, s Table, id, secret string) {
	t.Helper()
	b := &pgx.Batch{}
	QueueInsert(b, platform.Secret(secret), id)
	require.NoError(t, s.Pool.SendBatch(t.Context(), b).Close())
}

func end(t *testing.T, s Table, name string, at time.Time) {
	t.Helper()
	n, err := s.End(t.Context(), name, at)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// noted returns when the secret last verified a delivery, according to the table.
func noted(t *testing.T, s Table, secret string) (at time.Time) {
	t.Helper()
	rows, err := s.List(t.Context())
	require.NoError(t, err)
	for _, row := range rows {
		if row.Name == Name(secret) && row.VerifiedAt != nil {
			at = *row.VerifiedAt
		}
	}
	return at
}

func TestSecretOfTheTableCountsUntilItsEnd(t *testing.T) {
	store, at := newStore(t), &clock{noon}
	k, logs := newRing(t, Options{Shared: store, Now: at.now})
	require.False(t, k.takes(""))
	require.Equal(t, 1, strings.Count(logs.String(), "no webhook secret is valid"))
	add(t, store, "wh_1", "whsec_one")
	k.poll(t.Context())
	require.True(t, k.takes("whsec_one"))
	end(t, store, "wh_1", noon.Add(time.Hour))
	k.poll(t.Context())
	at.Time = noon.Add(time.Hour - 1)
	require.True(t, k.takes("whsec_one"))
	at.Time = noon.Add(time.Hour)
	require.False(t, k.takes("whsec_one"), "ended to the moment, without a poll")
	k.poll(t.Context())
	require.Empty(t, *k.valid.Load())
	require.Equal(t, 2, strings.Count(logs.String(), "no webhook secret is valid"))
	require.NotContains(t, logs.String(), "whsec_")
}

// The row of a secret from a setting has only its name, and can still end the secret.
func TestEarliestEndCounts(t *testing.T) {
	store, at := newStore(t), &clock{noon}
	k, _ := newRing(t, Options{Secrets: []string{"whsec_leaked", "whsec_kept", "whsec_kept"}, Shared: store, Now: at.now})
	add(t, store, "wh_1", "whsec_kept")
	require.True(t, k.takes("whsec_leaked"))
	k.writeUses(t.Context(), 0)
	end(t, store, Name("whsec_leaked"), noon)
	k.poll(t.Context())
	require.False(t, k.takes("whsec_leaked"))
	require.True(t, k.takes("whsec_kept"))
	require.Len(t, *k.valid.Load(), 1, "a secret that several sources have is one")
}

func TestLastUseIsWrittenNowAndThen(t *testing.T) {
	store, at := newStore(t), &clock{noon}
	add(t, store, "wh_1", "whsec_one")
	k, _ := newRing(t, Options{Secrets: []string{"whsec_env"}, Shared: store, Now: at.now})
	for range 3 {
		k.takes("whsec_one")
		k.takes("whsec_env")
		require.Zero(t, noted(t, store, "whsec_one"), "not by the delivery")
	}
	k.poll(t.Context())
	require.True(t, noon.Equal(noted(t, store, "whsec_one")))
	require.True(t, noon.Equal(noted(t, store, "whsec_env")))

	at.Time = noon.Add(writeEvery - 1)
	k.takes("whsec_one")
	k.poll(t.Context())
	require.True(t, noon.Equal(noted(t, store, "whsec_one")), "not so soon again")
	stop := k.Watch()
	stop()
	require.True(t, at.Truncate(time.Microsecond).Equal(noted(t, store, "whsec_one")), "but when it stops")
	require.True(t, noon.Equal(noted(t, store, "whsec_env")))

	again, _ := newRing(t, Options{Secrets: []string{"whsec_env"}, Shared: store, Now: at.now})
	require.Equal(t, noon.UnixMicro(), again.uses[Name("whsec_env")].last.Load(), "an earlier process's use is known")
}

func TestLastUseOfARemovedSecretIsWritten(t *testing.T) {
	store, at := newStore(t), &clock{noon}
	add(t, store, "wh_1", "whsec_one")
	k, _ := newRing(t, Options{Shared: store, Now: at.now})
	k.takes("whsec_one")
	end(t, store, "wh_1", noon)
	k.poll(t.Context())
	require.True(t, noon.Equal(noted(t, store, "whsec_one")))
	k.poll(t.Context())
	require.Empty(t, k.uses, "and then forgotten")
}

// admit lets clients connect to the pool's database, or cuts them off as if PostgreSQL were down.
func admit(t *testing.T, store Table, yes bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), os.Getenv(testenv.DatabaseVariable))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	database := store.Pool.Config().ConnConfig.Database
	if yes {
		_, err = conn.Exec(t.Context(), `ALTER DATABASE `+database+` ALLOW_CONNECTIONS true`)
	} else if _, err = conn.Exec(t.Context(), `ALTER DATABASE `+database+` ALLOW_CONNECTIONS false`); err == nil {
		_, err = conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, database)
	}
	require.NoError(t, err)
}

func TestKnownSecretsStayValidWhilePostgreSQLIsAway(t *testing.T) {
	store, at := newStore(t), &clock{noon}
	add(t, store, "wh_1", "whsec_one")
	k, logs := newRing(t, Options{Shared: store, Now: at.now})
	admit(t, store, false)
	for range 3 {
		k.poll(t.Context())
		require.True(t, k.takes("whsec_one"))
	}
	require.Equal(t, 1, strings.Count(logs.String(), "cannot be read"))
	early, _ := newRing(t, Options{Secrets: []string{"whsec_env"}, Shared: store, Now: at.now})
	require.True(t, early.takes("whsec_env"), "a receiver that starts meanwhile has what its settings give")

	admit(t, store, true)
	add(t, store, "wh_2", "whsec_two")
	for _, ring := range []*Keyring{k, early} {
		require.Eventually(t, func() bool { ring.poll(t.Context()); return ring.takes("whsec_two") }, testenv.Patience, 50*time.Millisecond)
		require.True(t, ring.takes("whsec_one"))
	}
	k.poll(t.Context())
	require.Equal(t, 1, strings.Count(logs.String(), "can be read again"))
	require.True(t, noon.Equal(noted(t, store, "whsec_one")), "what was verified meanwhile is written")
}

func TestOlderSchemaIsToldOnce(t *testing.T) {
	store := newStore(t)
	_, err := store.Pool.Exec(t.Context(), `ALTER TABLE webhook_secrets RENAME TO webhook_secrets_away`)
	require.NoError(t, err)
	k, logs := newRing(t, Options{Secrets: []string{"whsec_env"}, Shared: store})
	k.poll(t.Context())
	require.True(t, k.takes("whsec_env"))
	require.Equal(t, 1, strings.Count(logs.String(), "run `inorder migrate`"))
	_, err = store.Pool.Exec(t.Context(), `ALTER TABLE webhook_secrets_away RENAME TO webhook_secrets`)
	require.NoError(t, err)
	add(t, store, "wh_1", "whsec_one")
	k.poll(t.Context())
	require.True(t, k.takes("whsec_one"))
}
