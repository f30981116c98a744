package inspect_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/inspect"
	"inorder/internal/ready"
	"inorder/internal/store"
	"inorder/internal/store/view"
)

// Somebody renamed a table, whose schema is of this version: what is told is that, and not to migrate.
func TestATableThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	ping := func(ctx context.Context) error { return store.New(pool).Ping(ctx) }
	i := &inspect.Inspector{View: view.New(pool), Engine: &engine{}, Patience: time.Minute, Checks: []ready.Check{{Name: "postgres", Server: "PostgreSQL", Run: ping}}}
	for _, table := range []string{"orders", "pending_events"} {
		_, err := pool.Exec(t.Context(), `ALTER TABLE `+table+` RENAME TO away`)
		require.NoError(t, err)
		s, err := i.Status(t.Context())
		require.NoError(t, err)
		require.False(t, s.OK)
		whole := s.Dependencies["postgres"].Why
		for _, m := range s.Missing {
			require.NotContains(t, m.Why, "does not answer")
			whole += m.Why
		}
		require.Contains(t, whole, `relation "`+table+`" does not exist`)
		require.Contains(t, whole, "renamed or dropped")
		_, err = pool.Exec(t.Context(), `ALTER TABLE away RENAME TO `+table)
		require.NoError(t, err)
	}
}
