package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

func TestEventsShowSaysThatThePayloadIsGone(t *testing.T) {
	ended, removed := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 1, 8, 3, 17, 0, 0, time.UTC)
	newAdmin(t, map[string]any{"GET /api/events/evt_1": api.EventView{Event: api.Event{EventID: "evt_1", Type: "order.paid", State: api.StateEnded, Outcome: "applied", ProcessedAt: &ended},
		PayloadRemovedAt: &removed, Actions: []api.Action{}, Timeline: []api.Moment{}}})
	out, errs, code := asked(t, "events show evt_1")
	require.Zero(t, code, errs)
	require.Regexp(t, `payload +removed after 7 days, at 2025-01-08`, out)
	require.Contains(t, out, "PAYLOAD_RETENTION")
	require.NotContains(t, out, "What you can do")
	_, errs, code = asked(t, "events show evt_1 --payload")
	require.NotZero(t, code)
	require.Contains(t, errs, "the payload of evt_1 was removed after 7 days")
}
