package inspect_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/inspect"
	"inorder/internal/operate"
	"inorder/internal/ready"
	"inorder/internal/store"
	"inorder/internal/store/view"
)

// Every action that is offered can be done now.
func TestActionsThatNeedAServerThatIsAwayAreNotOffered(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_ended', 'x', 'discarded', '{}');
		INSERT INTO pending_events (event_id, type, phase, received_at) VALUES ('evt_parked', 'x', 'attention', now());
		INSERT INTO event_inbox (event_id, body, received_at, not_before) VALUES ('evt_inbox', '{}', now(), now())`)
	require.NoError(t, err)
	away := &engine{err: errors.New("away")}
	ended := &engine{runs: map[string]operate.Run{"evt_ended": {Status: "completed"}, "evt_parked": {Running: true, Phase: "attention"}}}
	gone := view.New(testenv.Pool(t, testenv.DatabaseURL(t))) // which has no table
	for _, tc := range []struct {
		view    *view.View
		engine  *engine
		event   string
		actions []api.Action
		missing string
	}{
		{view.New(pool), ended, "evt_ended", []api.Action{api.Replay}, ""},
		{view.New(pool), away, "evt_ended", []api.Action{}, "temporal"},
		{view.New(pool), away, "evt_parked", []api.Action{api.Discard, api.Amend}, "temporal"},
		{view.New(pool), away, "evt_inbox", []api.Action{api.Retry, api.Discard}, "temporal"},
		{nil, ended, "evt_ended", []api.Action{}, "postgres"},
		{nil, ended, "evt_parked", []api.Action{}, "postgres"},
	} {
		e, err := (&inspect.Inspector{View: tc.view, Engine: tc.engine, Patience: time.Minute}).Event(t.Context(), tc.event)
		require.NoError(t, err)
		require.Equal(t, tc.actions, e.Actions, "%s %s", tc.event, tc.missing)
		if tc.missing != "" {
			require.Equal(t, tc.missing, e.Missing[0].Source)
			require.Contains(t, e.Missing[0].Why, "be done", "it says that less can be done")
		}
	}
	_, err = (&inspect.Inspector{View: gone, Engine: ended}).Event(t.Context(), "evt_ended")
	require.Contains(t, store.Lacking(err), "does not exist")
}

// Somebody renamed a table, but the schema is of this version: the answer says so, and does not advise to migrate.
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
