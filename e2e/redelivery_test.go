package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSameIDWithAnotherBodyIsADuplicateAndIsNoticed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "INBOX=off") // Temporal would not know a spilled event
	s.serve()
	first := `{"id":"evt_1","type":"order.created","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1","status":"pending"},"store_id":"store_1"}`
	s.deliver([]byte(first))
	s.eventually("it is applied", func() bool { return s.outcome("evt_1") == "applied" })
	again := func(body string) {
		var status int
		var result string
		s.eventually("it is answered", func() (answered bool) {
			var err error
			status, result, err = s.post([]byte(body))
			return err == nil && status != http.StatusServiceUnavailable
		})
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "duplicate", result)
	}
	again(first)
	again(strings.Replace(first, "pending", "canary", 1))
	s.eventually("the log says so", func() bool { return strings.Contains(s.log(), "an event was delivered again with a different body") })
	require.Equal(t, 1, strings.Count(s.log(), "with a different body"), "not of the first one again")
	require.NotContains(t, s.log(), "canary")
	require.Equal(t, 1, s.count(`SELECT count(*) FROM orders WHERE status = 'pending'`))
}
