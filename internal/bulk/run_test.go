package bulk_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/bulk"
	"inorder/internal/operate"
	"inorder/internal/store"
)

func TestEveryEventIsActedOnOnceAndAudited(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 120)
	r.act = func(id string, _ operate.Act) error {
		switch id {
		case "evt_7":
			return &operate.UnfitError{EventID: id, Why: "it has ended, and is no longer kept"}
		case "evt_8":
			return &operate.UnfitError{EventID: id, Why: "it has ended as applied", Actions: []api.Action{api.Replay}, Ended: true}
		}
		return nil
	}
	s := r.start(retryWaiting())
	r.exec(`DELETE FROM pending_events`) // the set is fixed, whatever becomes of the rows
	require.Equal(t, bulk.Progress{Name: "retry", Action: "retry", Rate: 1000, Total: 120, Done: 120, Failed: 1, Ending: "done"}, r.runAll(s.ID))
	require.Equal(t, bulk.Progress{Name: "retry", Action: "retry", Rate: 1000, Total: 120, Done: 120, Failed: 1, Ending: "done"}, r.runAll(s.ID), "again")

	require.Len(t, r.acts, 118)
	for id, acts := range r.acts {
		require.Len(t, acts, 1, id)
		require.Equal(t, s.ID, acts[0].BulkID)
		require.Equal(t, "ops", acts[0].Actor)
	}
	b, err := r.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, "done", b.End)
	require.NotNil(t, b.EndedAt)
	require.Len(t, b.Failures, 1)
	require.Equal(t, "evt_7", b.Failures[0].EventID)
	require.Contains(t, b.Failures[0].Result, "it has ended")
	events, err := r.Events(t.Context(), s.ID, 100, false, 200)
	require.NoError(t, err)
	require.Len(t, events, 20)
	require.Equal(t, 1, r.count(`SELECT count(*) FROM audit_log WHERE action = 'bulk' AND bulk_id = $1 AND actor = 'ops' AND via = 'api'`, s.ID))
	require.Equal(t, 120, r.count(`SELECT count(*) FROM audit_log WHERE action = 'retry' AND bulk_id = $1`, s.ID))
	require.Equal(t, 1, r.count(`SELECT count(*) FROM audit_log WHERE event_id = 'evt_7' AND result LIKE 'failed: %ended, and is no longer kept'`))
	require.Equal(t, 1, r.count(`SELECT count(*) FROM audit_log WHERE event_id = 'evt_8' AND result LIKE 'not needed: %ended as applied'`), "it ended by itself")
}

func TestARunThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 60)
	s := r.start(retryWaiting())
	ctx, cut := context.WithCancel(t.Context())
	var n atomic.Int32
	r.act = func(string, operate.Act) error {
		if n.Add(1) == 20 {
			cut()
		}
		return nil
	}
	p, err := r.runner().Run(ctx, s.ID, time.Minute)
	require.NoError(t, err)
	require.Empty(t, p.Ending)
	require.GreaterOrEqual(t, p.Done, 20, "what was under way is marked")
	require.Less(t, p.Done, 60)

	// As if the process had been killed before it marked ten of them; they have ended meanwhile.
	r.exec(`UPDATE bulk_events SET done_at = NULL, result = '' WHERE place BETWEEN 5 AND 14`)
	acted := maps.Clone(r.acts)
	r.act = func(id string, _ operate.Act) error {
		if acted[id] != nil {
			return &operate.UnfitError{EventID: id, Why: "it has ended"}
		}
		return nil
	}
	p = r.runAll(s.ID)
	require.Equal(t, "done", p.Ending)
	require.Zero(t, p.Failed, "they ended because this bulk acted on them")
	for id, acts := range r.acts {
		require.Len(t, acts, 1, id)
	}
	require.Len(t, r.acts, 60)
}

func TestTwoRunsAtOnceAreHarmless(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 100)
	s := r.start(retryWaiting())
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			_, err := r.runner().Run(t.Context(), s.ID, time.Minute)
			for lockTimedOut(err) { // the other one had the bulk's row for too long: Temporal runs the activity again
				_, err = r.runner().Run(t.Context(), s.ID, time.Minute)
			}
			require.NoError(t, err)
		})
	}
	both.Wait()
	require.Equal(t, 100, r.count(`SELECT count(*) FROM bulk_events WHERE done_at IS NOT NULL AND NOT failed`))
	require.Equal(t, 100, r.count(`SELECT count(*) FROM audit_log WHERE action = 'retry'`), "each is recorded once")
	for _, acts := range r.acts {
		for _, a := range acts {
			require.Equal(t, acts[0].ID, a.ID)
		}
	}
}

func TestAServerThatIsAwayFailsNoEvent(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 30)
	s := r.start(retryWaiting())
	r.act = func(id string, _ operate.Act) error {
		if id > "evt_15" {
			return &operate.UnavailableError{Source: "temporal", Why: "nothing was done"}
		}
		return nil
	}
	_, err := r.runner().Run(t.Context(), s.ID, time.Minute)
	require.ErrorContains(t, err, "temporal does not answer")
	require.Zero(t, r.count(`SELECT count(*) FROM bulk_events WHERE failed`))
	r.act = nil
	require.Equal(t, 30, r.runAll(s.ID).Done)
}

func TestAFaultThatMeetsAllEventsFailsNone(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 30)
	s := r.start(retryWaiting())
	r.act = func(string, operate.Act) error { return errors.New("column \"x\" does not exist") }
	_, err := r.runner().Run(t.Context(), s.ID, time.Minute)
	require.ErrorContains(t, err, "events in a row, first for event")
	require.Zero(t, r.count(`SELECT count(*) FROM bulk_events WHERE done_at IS NOT NULL`))

	var tries atomic.Int32
	r.act = func(id string, _ operate.Act) error {
		switch {
		case id == "evt_3" && tries.Add(1) < 3: // a fault that passes
			return errors.New("deadlock detected")
		case id == "evt_4":
			return errors.New("a fault of this event")
		case id == "evt_5":
			return &pgconn.PgError{Code: "22001", Message: "quotes the data"}
		}
		return nil
	}
	p := r.runAll(s.ID)
	require.Equal(t, 2, p.Failed)
	require.Equal(t, 1, r.count(`SELECT count(*) FROM bulk_events WHERE failed AND event_id = 'evt_4' AND result = 'a fault of this event'`))
	require.Zero(t, r.count(`SELECT count(*) FROM bulk_events WHERE result LIKE '%quotes%'`))
}

func TestLockedOrdersAreLeftForLater(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 20)
	s := r.start(retryWaiting())
	r.act = func(id string, _ operate.Act) error {
		if id == "evt_2" {
			return &store.BusyError{}
		}
		return nil
	}
	_, err := r.runner().Run(t.Context(), s.ID, time.Minute)
	var left *bulk.LeftError
	require.ErrorAs(t, err, &left)
	require.Equal(t, bulk.LeftError{Left: 1, First: "evt_2"}, *left)
	require.Equal(t, 19, r.count(`SELECT count(*) FROM bulk_events WHERE done_at IS NOT NULL AND NOT failed`))
	r.act = nil
	require.Equal(t, "done", r.runAll(s.ID).Ending)
}

func TestItKeepsToTheRateAndToItsTime(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 100)
	request := retryWaiting()
	request.Rate = 20
	s := r.start(request)
	for before, done := 0, 0; done <= 5; { // a busy machine may stand still for most of the time; then the next run goes on
		p, err := r.runner().Run(t.Context(), s.ID, 2*time.Second)
		require.NoError(t, err)
		require.Empty(t, p.Ending)
		done, before = p.Done-before, p.Done
		require.LessOrEqual(t, done, 41, "without an end it would do all of them")
	}
}
