package e2e

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/sample"
)

// The counts of a process survive its end, and the counts of several processes add up.
func TestTrafficIsKeptThroughARestart(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	counted := func(kind string) int {
		return s.count(`SELECT coalesce(sum(count), 0) FROM traffic_minutes WHERE kind = $1 AND name IN ('accepted', 'spilled', 'applied')`, kind)
	}
	for i := range 2 {
		cmd := s.serve()
		for range 5 {
			s.send(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
		}
		_, _, err := s.postSigned("whsec_wrong", []byte(`{}`))
		require.NoError(t, err)
		s.eventually("all are applied", func() bool { return s.count(`SELECT count(*) FROM webhook_events`) == 5*(i+1) })
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait())
		require.Equal(t, 5*(i+1), counted("delivery"))
		require.Equal(t, 5*(i+1), counted("end"))
	}
	require.Equal(t, 2, s.count(`SELECT sum(count) FROM traffic_minutes WHERE name = 'bad_signature'`))
	require.Equal(t, 2, s.count(`SELECT count(DISTINCT process) FROM traffic_minutes`))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM last_events WHERE family = 'order' AND at > now() - interval '10 minutes'`))
}
