package send

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/store"
)

// become returns a States that answers each event's states one after the other, and then the last one for ever.
func become(states map[string][]inorder.Outcome) func(context.Context, []string) ([]store.EventState, error) {
	looks := map[string]int{}
	return func(_ context.Context, ids []string) (list []store.EventState, err error) {
		for _, id := range ids {
			all := states[id]
			e := store.EventState{ID: id}
			if len(all) > 0 {
				e.Outcome = all[min(looks[id], len(all)-1)]
			}
			looks[id]++
			list = append(list, e)
		}
		return list, nil
	}
}

// The time is synctest's: real polls come late on a busy machine, and then nothing seems to change for too long.
func TestVerify(t *testing.T) { synctest.Test(t, verifies) }

func verifies(t *testing.T) {
	verify := func(ids []string, states map[string][]inorder.Outcome) (string, error) {
		var out, notes bytes.Buffer
		err := Verifier{States: become(states), Wait: time.Second, Out: &out, Notes: &notes}.Run(t.Context(), ids)
		return out.String(), err
	}
	out, err := verify([]string{"a", "b", "c", "a", "d"}, map[string][]inorder.Outcome{
		"a": {"", "applied"}, "b": {"stale"}, "c": {"attention"}, "d": {"waiting", "waiting", "applied"}})
	require.EqualError(t, err, "1 acknowledged event has not ended, of 4: waiting for an order, or in attention, where inorder events list shows them")
	require.Contains(t, out, "4 acknowledged events after")
	require.Contains(t, out, "       1  attention\n")
	require.Contains(t, out, "       1  stale\n")

	_, err = verify([]string{"a", "b"}, map[string][]inorder.Outcome{"a": {"applied"}, "b": {"waiting"}})
	require.ErrorAs(t, err, new(*OpenError))
	_, err = verify([]string{"a", "b"}, map[string][]inorder.Outcome{"a": {"applied"}, "b": {"waiting", "waiting", "applied"}})
	require.NoError(t, err, "it was released meanwhile")

	out, err = verify([]string{"a", "lost"}, map[string][]inorder.Outcome{"a": {"applied"}})
	require.EqualError(t, err, "1 of 2 acknowledged events did not end, and nothing changed for 1s: lost")
	require.Contains(t, out, "       1  without an end\n")

	var many []string
	for i := range 2500 {
		many = append(many, fmt.Sprintf("evt_%04d", i))
	}
	_, err = verify(many, nil)
	require.ErrorContains(t, err, "2500 of 2500 acknowledged events did not end")
	require.ErrorContains(t, err, "evt_0019 and 2480 more")

	_, err = verify(nil, nil)
	require.NoError(t, err)
}
