package activities

import (
	"math"
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
		"tries again at twice its age":  {5 * time.Minute, inorder.Waiting, 5 * time.Minute},
		"but every hour":                {3 * time.Hour, inorder.Waiting, time.Hour},
		"and when it gets stuck":        {24*time.Hour - time.Minute, inorder.Waiting, time.Minute},
		"stuck":                         {24 * time.Hour, inorder.Stuck, time.Hour},
		"and when it expires":           {30*24*time.Hour - time.Second, inorder.Stuck, time.Second},
		"expired":                       {30 * 24 * time.Hour, inorder.Expired, 0},
		"found again after a long time": {300 * 24 * time.Hour, inorder.Expired, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, next := p.at(tc.age, 0)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.next, next)
		})
	}
	t.Run("a recheck longer than an hour is kept", func(t *testing.T) {
		_, next := WaitPolicy{Recheck: 2 * time.Hour, StuckAfter: 24 * time.Hour, TTL: 48 * time.Hour}.at(5*time.Hour, 0)
		require.Equal(t, 2*time.Hour, next)
	})
	t.Run("a TTL shorter than the time to be stuck is kept to the second", func(t *testing.T) {
		p := WaitPolicy{Recheck: time.Minute, StuckAfter: time.Hour, TTL: 10 * time.Second}
		_, next := p.at(0, 0)
		require.Equal(t, 10*time.Second, next)
		got, _ := p.at(10*time.Second, 0)
		require.Equal(t, inorder.Expired, got)
	})
}

// On average, events that wait for one order are tried no more often than every hundred milliseconds, however many they are.
func TestWaitPolicyOfManyThatWaitForOneOrder(t *testing.T) {
	p := WaitPolicy{Recheck: time.Minute, StuckAfter: 24 * time.Hour, TTL: 30 * 24 * time.Hour, AskAfter: 10 * time.Minute}
	for others, want := range map[int]time.Duration{
		0:      time.Minute,
		600:    time.Minute,
		1000:   100 * time.Second,
		10_000: 1000 * time.Second,
	} {
		_, next := p.at(0, others)
		require.Equal(t, want, next)
	}
	_, next := p.at(9*time.Minute, 10_000)
	require.Equal(t, 1000*time.Second, next, "others ask the platform for the order")
	_, next = p.at(9*time.Minute, 100)
	require.Equal(t, time.Minute, next)
	_, next = p.at(24*time.Hour-time.Minute, 10_000)
	require.Equal(t, time.Minute, next, "it is shown as stuck in time")
}

func TestWaitPolicyOfAnyAgeAndSettings(t *testing.T) {
	values := []time.Duration{math.MinInt64, -time.Hour, -1, 0, 1, time.Minute, 24 * time.Hour, math.MaxInt64 - 1, math.MaxInt64}
	for _, age := range values {
		for _, recheck := range values {
			for _, stuckAfter := range values {
				for _, ttl := range values {
					for _, askAfter := range values {
						p := WaitPolicy{Recheck: recheck, StuckAfter: stuckAfter, TTL: ttl, AskAfter: askAfter}
						outcome, next := p.at(age, 10_000)
						ok := next > 0
						switch outcome {
						case inorder.Expired:
							ok = next == 0 && max(age, 0) >= ttl
						case inorder.Stuck:
							ok = ok && max(age, 0) >= stuckAfter && next <= ttl-max(age, 0)
						case inorder.Waiting:
							ok = ok && next <= stuckAfter-max(age, 0) && next <= ttl-max(age, 0)
						}
						require.True(t, ok, "%+v at %d: %s, next %d", p, age, outcome, next)
					}
				}
			}
		}
	}
}
