package bulk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/operate"
)

func TestRequestsThatDoNotFitNameTheField(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 1)
	for field, request := range map[string]api.BulkRequest{
		"body.action":         {Action: api.Amend, All: true},
		"body.rate":           {Action: api.Retry, All: true, Rate: 1001},
		"body.all":            {Action: api.Retry},
		"body.filter.state":   {Action: api.Retry, Filter: api.Filter{State: api.StateEnded}},
		"body.filter.outcome": {Action: api.Discard, Filter: api.Filter{Outcome: "stale"}},
		"body.filter.via":     {Action: api.Discard, Filter: api.Filter{Via: "inbox"}},
		"body.filter.type":    {Action: api.Retry, Filter: api.Filter{Type: "a\x00b"}},
	} {
		var invalid *operate.InvalidError
		_, err := r.Start(t.Context(), request, "ops", "")
		require.ErrorAs(t, err, &invalid, field)
		require.Equal(t, field, invalid.Location)
	}
	for _, f := range []api.Filter{{State: "waiting"}, {State: "lost"}, {Outcome: "lost"}, {Via: "pigeon"}} {
		_, err := r.Preview(t.Context(), api.BulkRequest{Action: api.Replay, Filter: f})
		require.ErrorContains(t, err, "body.filter.")
	}
	require.Zero(t, r.count(`SELECT count(*) FROM bulks`))
}

func TestAFilterThatSelectsEverythingNeedsAll(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 2)
	everything := api.BulkRequest{Action: api.Discard}
	p, err := r.Preview(t.Context(), everything)
	require.NoError(t, err, "a preview of everything does nothing")
	long, now := time.Now().Add(-1000*time.Hour), time.Now().Add(time.Hour)
	for _, f := range []api.Filter{{}, p.Filter, {ReceivedAfter: &long}, {ReceivedAfter: &long, ReceivedBefore: &now}} {
		everything.Filter = f
		_, err := r.Start(t.Context(), everything, "ops", "")
		require.ErrorContains(t, err, "body.all: must be true")
	}
	r.exec(`INSERT INTO pending_events (event_id, type, phase, received_at) VALUES ('evt_old', 'x', 'attention', now() - interval '2000 hours')`)
	recent := api.BulkRequest{Action: api.Retry, Filter: api.Filter{ReceivedAfter: &long}}
	require.Equal(t, 2, r.start(recent).Total, "it leaves one out")
	r.exec(`DELETE FROM pending_events WHERE event_id = 'evt_old'`)
	everything.All = true
	require.Equal(t, 2, r.start(everything).Total)

	r.exec(`INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_done', 'order.paid', 'applied', '{}')`)
	ended := api.BulkRequest{Action: api.Replay, Filter: api.Filter{State: api.StateEnded}}
	_, err = r.Start(t.Context(), ended, "ops", "")
	require.ErrorContains(t, err, "body.all: must be true", "all that can be replayed has ended")
	ended.Filter.Outcome = "applied"
	require.Equal(t, 1, r.start(ended).Total)
}
