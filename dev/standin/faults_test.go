package standin_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

var bad = standin.Faults{Seed: 7, Drop: standin.Fault{Share: 0.1}, Duplicate: standin.Fault{Share: 0.2}, Reorder: standin.Fault{Share: 0.3}, HoldMillis: 60_000}

// arrivals returns the IDs that an endpoint receives of the same history under the given faults.
func arrivals(t *testing.T, f standin.Faults) (ids []string) {
	s := open(t, standin.Options{Parallel: 1, Faults: f})
	s.subscribe(`["*"]`)
	s.place(standin.Placement{Count: 20, Actions: []string{"pay", "ship"}})
	s.faults(standin.Faults{})
	s.place(standin.Placement{}) // releases what is held back
	for _, d := range s.deliveries() {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestFaultsOfDeliveriesFollowTheSeed(t *testing.T) {
	ids := arrivals(t, bad)
	require.Equal(t, ids, arrivals(t, bad), "the same seed, the same accidents")
	other := bad
	other.Seed = 8
	require.NotEqual(t, ids, arrivals(t, other))

	plain := arrivals(t, standin.Faults{})
	require.Len(t, plain, 20*8+1)
	counts := map[string]int{}
	for _, id := range ids {
		counts[id]++
	}
	dropped, twice := 0, 0
	for _, id := range plain {
		switch counts[id] {
		case 0:
			dropped++
		case 2:
			twice++
		}
	}
	require.InDelta(t, 16, dropped, 10)
	require.InDelta(t, 32*0.9, twice, 14)
	require.NotEqual(t, slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(plain)))
}

func TestTheNextDeliveries(t *testing.T) {
	for name, tc := range map[string]struct {
		faults standin.Faults
		want   []string
	}{
		"drop":      {standin.Faults{Drop: standin.Fault{Next: 2}}, []string{"payment.completed", "order.paid", "order.confirmed"}},
		"duplicate": {standin.Faults{Duplicate: standin.Fault{Next: 1}}, []string{"order.created", "order.created", "payment.created", "payment.completed", "order.paid", "order.confirmed"}},
		"reorder":   {standin.Faults{Reorder: standin.Fault{Next: 1}}, []string{"payment.created", "payment.completed", "order.paid", "order.confirmed", "order.created"}},
		"delay":     {standin.Faults{Delay: standin.Fault{Next: 1}, DelayMillis: 3000}, []string{"payment.created", "payment.completed", "order.paid", "order.confirmed", "order.created"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, standin.Options{Parallel: 1, Faults: tc.faults})
			s.subscribe(`["*"]`)
			s.place(standin.Placement{Actions: []string{"pay"}})
			got := types(s.deliveries())
			if name == "reorder" { // it arrives after the next one, behind those that were already queued
				require.NotEqual(t, "order.created", got[0])
				require.ElementsMatch(t, tc.want, got)
				return
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestAHeldBackDeliveryComesAlsoIfNoneFollows(t *testing.T) {
	s := open(t, standin.Options{Faults: standin.Faults{Reorder: standin.Fault{Next: 1}, HoldMillis: 10}})
	s.subscribe(`["*"]`)
	s.place(standin.Placement{})
	require.Equal(t, []string{"order.created"}, types(s.deliveries()))
	require.Equal(t, "reorder", s.Deliveries()[0].Fault)
}

func TestFaultsOfRequests(t *testing.T) {
	s := open(t, standin.Options{})
	s.faults(standin.Faults{RateLimit: standin.Fault{Next: 1}, ServerError: standin.Fault{Next: 1}, RetryAfter: "3"})
	req, _ := http.NewRequest("GET", s.url+"/v1/admin/orders", nil)
	req.Header.Set("Authorization", "Bearer "+s.key)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.Equal(t, "3", res.Header.Get("Retry-After"))
	status, e := s.call("GET", "/v1/admin/orders", "")
	require.Equal(t, http.StatusInternalServerError, status)
	require.Equal(t, "INTERNAL_ERROR", e["error"].(map[string]any)["code"])
	status, _ = s.call("GET", "/v1/admin/orders", "")
	require.Equal(t, http.StatusOK, status)

	s.faults(standin.Faults{Slow: standin.Fault{Next: 1}, SlowMillis: 30})
	start := time.Now()
	s.call("GET", "/v1/admin/orders", "")
	require.GreaterOrEqual(t, time.Since(start), 30*time.Millisecond)

	s.faults(standin.Faults{Lose: standin.Fault{Next: 1}})
	req, _ = http.NewRequest("DELETE", s.url+"/v1/admin/webhooks/wh_none", nil)
	req.Header.Set("Authorization", "Bearer "+s.key)
	_, err = (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.Error(t, err)
	require.Zero(t, s.Faults().Lose.Next)
}

func TestFaultsAreChecked(t *testing.T) {
	s := open(t, standin.Options{})
	for _, f := range []standin.Faults{{Drop: standin.Fault{Share: 1.5}}, {Lose: standin.Fault{Next: -1}}, {DelayMillis: -1}} {
		require.Error(t, s.SetFaults(f))
	}
	status, e := s.call("PUT", "/_standin/faults", `{"dorp":{"share":0.1}}`)
	require.Equal(t, http.StatusBadRequest, status, "%v", e)
}
