package bulk_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/bulk"
	"inorder/internal/operate"
)

func TestAStoppedBulkStaysAsItIs(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 500)
	request := retryWaiting()
	request.Rate = 100
	s := r.start(request)
	stopped, acts := make(chan struct{}), atomic.Int32{}
	r.act = func(string, operate.Act) error {
		if acts.Add(1) > 100 { // the second page lasts until the bulk is stopped, however long that takes
			<-stopped
		}
		return nil
	}
	running := make(chan bulk.Progress)
	go func() {
		p, err := r.runner().Run(t.Context(), s.ID, time.Minute)
		require.NoError(t, err)
		running <- p
	}()
	require.Eventually(t, func() bool { return r.count(`SELECT count(*) FROM bulk_events WHERE done_at IS NOT NULL`) > 0 }, testenv.Patience, 10*time.Millisecond)
	b, err := r.Stop(t.Context(), s.ID, "boss", "enough")
	require.NoError(t, err)
	require.Equal(t, "stopped", b.End)
	close(stopped)
	p := <-running
	require.Equal(t, "stopped", p.Ending)
	require.Less(t, p.Done, 500)
	done := r.count(`SELECT count(*) FROM bulk_events WHERE done_at IS NOT NULL`)
	require.Equal(t, p.Done, done)

	_, err = r.Stop(t.Context(), s.ID, "boss", "once more")
	require.NoError(t, err)
	require.Equal(t, "stopped", r.runAll(s.ID).Ending)
	require.Equal(t, 1, r.count(`SELECT count(*) FROM audit_log WHERE action = 'stop' AND bulk_id = $1 AND actor = 'boss' AND reason = 'enough'`, s.ID))
	again, err := r.Start(t.Context(), request, "ops", "")
	require.NoError(t, err)
	require.Equal(t, 500, again.Total, "another bulk takes what is left")
}

func TestABulkThatIsDoneCannotBeStopped(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 1)
	s := r.start(retryWaiting())
	r.runAll(s.ID)
	var ended *bulk.EndedError
	_, err := r.Stop(t.Context(), s.ID, "boss", "")
	require.ErrorAs(t, err, &ended)
	var unknown *bulk.UnknownError
	_, err = r.Stop(t.Context(), "inorder-bulk-none", "boss", "")
	require.ErrorAs(t, err, &unknown)
	_, err = r.Get(t.Context(), "inorder-bulk-none")
	require.ErrorAs(t, err, &unknown)
	_, err = r.Events(t.Context(), "inorder-bulk-none", 0, false, 10)
	require.ErrorAs(t, err, &unknown)
}

func TestABulkSaysWhyItCannotGoOn(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 5)
	s := r.start(retryWaiting())
	for why, run := range map[string]bulk.Run{
		"":                                   {Running: true},
		"temporal does not answer":           {Running: true, Problem: "temporal does not answer"},
		"was ended in Temporal (terminated)": {Status: "terminated"},
	} {
		r.run = &run
		b, err := r.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.Contains(t, b.Problem, why)
		require.Equal(t, map[bool]string{true: "running", false: "failing"}[why == ""], b.End)
	}
}

func TestWithoutPostgreSQLNothingIsDone(t *testing.T) {
	r := newRig(t)
	r.pool.Close()
	var away *operate.UnavailableError
	_, err := r.Preview(t.Context(), retryWaiting())
	require.ErrorAs(t, err, &away)
	require.Equal(t, "postgres", away.Source)
	_, err = r.Start(t.Context(), retryWaiting(), "ops", "")
	require.ErrorAs(t, err, &away)
}
