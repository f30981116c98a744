package bulk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOldBulksArePurgedAndTheAuditStays(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 5)
	old, running := r.start(retryWaiting()), r.start(retryWaiting())
	r.runAll(old.ID)
	r.exec(`UPDATE bulks SET ended_at = ended_at - interval '40 days', created_at = created_at - interval '40 days'`)
	var all int64
	for more := true; more; {
		deleted, again, err := r.Store.PurgeBulks(t.Context(), time.Now().Add(-30*24*time.Hour))
		require.NoError(t, err)
		all, more = all+deleted, again
	}
	require.EqualValues(t, 1, all)
	require.Equal(t, 1, r.count(`SELECT count(*) FROM bulks WHERE id = $1`, running.ID), "it has not ended")
	require.Equal(t, 5, r.count(`SELECT count(*) FROM bulk_events`))
	require.Equal(t, 6, r.count(`SELECT count(*) FROM audit_log WHERE bulk_id = $1`, old.ID))
}
