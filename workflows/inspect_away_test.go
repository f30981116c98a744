package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/inspect"
	"inorder/internal/operate"
	"inorder/internal/store/view"
	"inorder/workflows"
)

// waitingOne returns a system with one waiting event, which Temporal lists.
func waitingOne(t *testing.T) (*system, inorder.Event) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.paid", "")
	s.begin(e)
	s.awaitPhase(e, workflows.PhaseWaiting)
	s.eventually("Temporal lists it", func() bool { return s.find(e, "waiting") == 1 })
	return s, e
}

func requireUnavailable(t *testing.T, source string, questions ...func() error) {
	t.Helper()
	for _, ask := range questions {
		unavailable := (*operate.UnavailableError)(nil)
		require.ErrorAs(t, ask(), &unavailable)
		require.Equal(t, source, unavailable.Source)
	}
}

func TestWhileTemporalIsAway(t *testing.T) {
	s, waiting := waitingOne(t)
	nowhere, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1"})
	require.NoError(t, err)
	t.Cleanup(nowhere.Close)
	i := s.inspector()
	i.Engine, i.Patience = workflows.Events{Client: nowhere, Namespace: client.DefaultNamespace, TaskQueue: s.queue}, 5*time.Second

	v, err := i.Event(t.Context(), waiting.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateWaiting, v.State)
	require.Equal(t, "temporal", v.Missing[0].Source)
	page, err := i.Events(t.Context(), api.Filter{}, "", 50)
	require.NoError(t, err)
	require.Equal(t, waiting.ID, page.Data[0].EventID)
	require.Equal(t, "temporal", page.Missing[0].Source)
	status, err := i.Status(t.Context())
	require.NoError(t, err)
	require.False(t, status.OK)
	require.NotContains(t, status.States, api.StateApplying)
	require.Equal(t, 1, status.States[api.StateWaiting].Count)
	requireUnavailable(t, "temporal",
		func() error {
			_, err := i.Events(t.Context(), api.Filter{State: api.StateApplying}, "", 50)
			return err
		},
		func() error { _, err := i.Event(t.Context(), "evt_unknown"); return err })
}

func TestWhilePostgreSQLIsAway(t *testing.T) {
	s, waiting := waitingOne(t)
	closed := testenv.Pool(t, s.pool.Config().ConnString())
	closed.Close()
	engine := s.events()
	for name, i := range map[string]*inspect.Inspector{
		"it does not answer":  {View: view.New(closed), Engine: engine, Patience: time.Minute},
		"there is no setting": {Engine: engine, Patience: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := i.Events(t.Context(), api.Filter{OrderID: s.order, State: api.StateWaiting}, "", 50)
			require.NoError(t, err)
			require.Equal(t, waiting.ID, page.Data[0].EventID)
			require.Equal(t, api.StateWaiting, page.Data[0].State)
			require.Equal(t, "postgres", page.Missing[0].Source)
			v, err := i.Event(t.Context(), waiting.ID)
			require.NoError(t, err)
			require.Equal(t, api.StateWaiting, v.State)
			require.JSONEq(t, string(waiting.Body), string(v.Payload))
			require.Equal(t, "postgres", v.Missing[0].Source)
			blocked, err := i.Blocked(t.Context(), s.order)
			require.NoError(t, err)
			require.Len(t, blocked.Events.Data, 1)
			status, err := i.Status(t.Context())
			require.NoError(t, err)
			require.Contains(t, status.States, api.StateApplying)
			requireUnavailable(t, "postgres",
				func() error {
					_, err := i.Events(t.Context(), api.Filter{State: api.StateEnded}, "", 50)
					return err
				},
				func() error { _, err := i.Event(t.Context(), "evt_unknown"); return err },
				func() error { _, err := i.Order(t.Context(), s.order); return err },
				func() error { _, err := i.Timeline(t.Context(), s.order, "", 50); return err })
		})
	}
}
