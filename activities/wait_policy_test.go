package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
)

func TestWaitPolicy(t *testing.T) {
	t.Parallel()
	p := WaitPolicy{Recheck: time.Minute, StuckAfter: 24 * time.Hour, TTL: 30 * 24 * time.Hour}
	for name, tc := range map[string]struct {
		age  time.Duration
		want inorder.Outcome
		next time.Duration
	}{
		"new":                           {0, inorder.Waiting, time.Minute},
		"received by a clock ahead":     {-time.Hour, inorder.Waiting, time.Minute},
		"looks again at twice its age":  {5 * time.Minute, inorder.Waiting, 5 * time.Minute},
		"but every hour":                {3 * time.Hour, inorder.Waiting, time.Hour},
		"and when it gets stuck":        {24*time.Hour - time.Minute, inorder.Waiting, time.Minute},
		"stuck":                         {24 * time.Hour, inorder.Stuck, time.Hour},
		"and when it expires":           {30*24*time.Hour - time.Second, inorder.Stuck, time.Second},
		"expired":                       {30 * 24 * time.Hour, inorder.Expired, 0},
		"found again after a long time": {300 * 24 * time.Hour, inorder.Expired, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, next := p.at(tc.age)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.next, next)
		})
	}
	t.Run("a recheck longer than an hour is kept", func(t *testing.T) {
		_, next := WaitPolicy{Recheck: 2 * time.Hour, StuckAfter: 24 * time.Hour, TTL: 48 * time.Hour}.at(5 * time.Hour)
		require.Equal(t, 2*time.Hour, next)
	})
	t.Run("a TTL shorter than the time to be stuck is kept to the second", func(t *testing.T) {
		p := WaitPolicy{Recheck: time.Minute, StuckAfter: time.Hour, TTL: 10 * time.Second}
		_, next := p.at(0)
		require.Equal(t, 10*time.Second, next)
		got, _ := p.at(10 * time.Second)
		require.Equal(t, inorder.Expired, got)
	})
}
