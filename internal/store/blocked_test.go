package store

import (
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// blocked polls until n transactions wait for a lock. They do so for a fraction of a second only, and a busy machine may not look in that time. So
// missed is called before each look, to begin anew what is over.
func (s *tables) blocked(n int, missed func()) {
	s.Helper()
	require.Eventually(s, func() bool {
		missed()
		waiting := 0
		err := s.pool.QueryRow(s.Context(),
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting == n
	}, testenv.Patience, 5*time.Millisecond)
}
