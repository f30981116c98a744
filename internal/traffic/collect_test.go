package traffic

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/store"
)

func TestEverythingIsShownFromTheBeginningAndNothingIsAdded(t *testing.T) {
	r, registry := New(), prometheus.NewRegistry()
	registry.MustRegister(r)
	count := func() int {
		n, err := testutil.GatherAndCount(registry)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, len(results)+len(outcomes)*len(vias)+1, count())
	for i := range 10_000 {
		r.Delivery(fmt.Sprint("result", i))
		r.Event(fmt.Sprintf("made%d.up", i), noon)
		r.Ended(inorder.Outcome(fmt.Sprint("outcome", i)), store.ViaInbox, noon)
		r.Ended(inorder.Applied, store.Via(fmt.Sprint("via", i)), noon)
	}
	require.Equal(t, len(results)+len(outcomes)*len(vias)+1, count())
	require.Len(t, r.LastEvents(), len(families))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// Prometheus and PostgreSQL get the same numbers, of one counter.
func TestWhatIsShownIsWhatIsWritten(t *testing.T) {
	r := newRig(t)
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.Recorder)
	r.Delivery(Accepted)
	r.Delivery(Accepted)
	r.Ended(inorder.Stale, store.ViaInbox, time.Now().Add(-3*time.Second))
	r.Ended(inorder.Stale, store.ViaWorkflow, time.Now().Add(time.Hour)) // by a clock that is ahead
	r.Ended(inorder.Stale, store.ViaWorkflow, time.Time{})               // received at an unknown time
	r.write(noon)
	require.Equal(t, 2, r.kept(noon, "delivery", Accepted))
	require.Equal(t, 3, r.kept(noon, "end", "stale"))

	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += l.GetValue() + " "
			}
			want := map[string]float64{"accepted ": 2, "stale inbox ": 1, "stale workflow ": 2}[labels]
			require.Equal(t, want, m.GetCounter().GetValue(), "%s %s", f.GetName(), labels)
			if h := m.GetHistogram(); h != nil {
				require.EqualValues(t, 2, h.GetSampleCount())
				require.GreaterOrEqual(t, h.GetSampleSum(), 3.0)
				require.Less(t, h.GetSampleSum(), 60.0, "nothing is added but the time that the test took")
			}
		}
	}
}
