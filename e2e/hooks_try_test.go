package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// text returns the single value of a query.
func (s *shop) text(query string) (value string) {
	s.t.Helper()
	require.NoError(s.t, s.pool.QueryRow(context.Background(), query).Scan(&value))
	return value
}

// removal returns the arguments of the command that `hooks test` printed for removing its event.
func removal(t *testing.T, out string) []string {
	t.Helper()
	_, command, found := strings.Cut(out, "\n  inorder ")
	require.True(t, found, out)
	return strings.Fields(command)
}

func TestWhatATestWroteIsMarkedAndCanBeRemoved(t *testing.T) {
	s := newShop(t)
	s.serve()
	id := registered(t, s.do(0, "hooks", "register", s.url))

	out := s.do(0, "hooks", "test", id, "--event", "order.created", "--wait", "2m")
	require.Regexp(t, `evt_\S+  applied`, out)
	remove := removal(t, out)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM webhook_events JOIN orders ON id = order_id WHERE starts_with(detail, 'a test delivery')`))
	require.Contains(t, s.do(0, remove...), "is removed, with its parts")
	require.Zero(t, s.count(`SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM order_parts)`))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM webhook_events WHERE detail = 'a test delivery, whose order was removed'`))
	require.Contains(t, s.do(0, remove...), "there is nothing to remove")

	out = s.do(0, "hooks", "test", id, "--event", "fulfillment.shipped", "--wait", "2m")
	require.Regexp(t, `evt_\S+  waiting  its order does not exist yet`, out)
	remove = removal(t, out)
	own := s.env
	other := newBareSystem(t, testenv.DatabaseURL(t)) // whose database is not a copy of ours
	migrated, code := other.run("migrate")
	require.Zero(t, code, migrated)
	s.env = append(s.env, "TEMPORAL_NAMESPACE="+other.namespace)
	require.Contains(t, s.do(1, remove...), "belongs to another system", "whose event of that ID must be left alone")
	s.env = own
	require.Contains(t, s.do(0, remove...), "is discarded")
	s.eventually("it is recorded", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'discarded' AND detail LIKE '%a test delivery%'`) == 1
	})

	s.arrives()
	real := s.text(`SELECT event_id FROM webhook_events WHERE type = 'order.created' ORDER BY processed_at DESC LIMIT 1`)
	require.Contains(t, s.do(1, "hooks", "test", "--remove", real), "is not marked as a test")
	_, err := s.pool.Exec(t.Context(), `UPDATE webhook_events SET detail = 'a test delivery' WHERE event_id = $1`, real)
	require.NoError(t, err)
	require.Contains(t, s.do(1, "hooks", "test", "--remove", real), "exists on the platform, so nothing is removed")
	require.Equal(t, 1, s.count(`SELECT count(*) FROM orders`))
	require.Contains(t, s.do(1, "hooks", "test", "--remove", "evt_none"), "there is no event evt_none")
}
