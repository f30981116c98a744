package platform_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
)

func TestCreateWhoseAnswerIsLostMakesOneWebhook(t *testing.T) {
	r := newRig(t)
	r.faults(t, standin.Faults{Lose: standin.Fault{Next: 3}})
	made, err := r.CreateWebhook(t.Context(), ours)
	require.NoError(t, err)
	require.NotEmpty(t, made.Secret, "the first answer, with the secret")
	require.Len(t, r.pauses, 3)
	require.Equal(t, 1, r.platform.Stats().Webhooks)

	_, err = r.CreateWebhook(t.Context(), ours)
	require.NoError(t, err)
	require.Equal(t, 2, r.platform.Stats().Webhooks, "another call is another webhook")

	keys := map[string]int{}
	for _, req := range r.requests() {
		keys[req.Header.Get("Idempotency-Key")]++
	}
	require.Len(t, keys, 2)
	for key := range keys {
		require.EqualValues(t, 4, uuid.MustParse(key).Version())
	}
}

func TestOnlyPostHasAnIdempotencyKey(t *testing.T) {
	r := newRig(t)
	_, _ = r.GetWebhook(t.Context(), "wh_1")
	require.Empty(t, r.requests()[0].Header.Get("Idempotency-Key"))
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		header string
		want   time.Duration
	}{
		"seconds":                      {"7", 7 * time.Second},
		"a date":                       {now.Add(20 * time.Second).Format(http.TimeFormat), 20 * time.Second},
		"a date that is past: backoff": {now.Add(-time.Hour).Format(http.TimeFormat), 0},
		"nonsense: backoff":            {"soon", 0},
		"none: backoff":                {"", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *platform.Options) { o.Now = func() time.Time { return now } })
			r.faults(t, standin.Faults{RateLimit: standin.Fault{Next: 1}, RetryAfter: tc.header})
			_, err := r.ListOrders(t.Context(), platform.OrderFilter{})
			require.NoError(t, err)
			require.Len(t, r.pauses, 1)
			if tc.want > 0 {
				require.Equal(t, tc.want, r.pauses[0])
			} else {
				require.InDelta(t, 500*time.Millisecond, r.pauses[0], float64(125*time.Millisecond))
			}
		})
	}
}

func TestRetryAfterBeyondPatienceEndsTheCall(t *testing.T) {
	r := newRig(t)
	r.faults(t, standin.Faults{RateLimit: standin.Fault{Share: 1}, RetryAfter: "3600"})
	_, err := r.ListOrders(t.Context(), platform.OrderFilter{})
	require.True(t, isRateLimited(err))
	var e *platform.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, time.Hour, e.RetryAfter, "for the caller to wait")
	require.Empty(t, r.pauses)
}

func TestServerErrorsAreRetriedWithBackoff(t *testing.T) {
	r := newRig(t)
	placed, err := r.platform.Place(standin.Placement{})
	require.NoError(t, err)
	r.faults(t, standin.Faults{ServerError: standin.Fault{Next: 4}})
	o, err := r.GetOrder(t.Context(), placed[0].ID)
	require.NoError(t, err)
	require.Equal(t, placed[0].ID, o.ID)
	require.Len(t, r.pauses, 4)
	for n, pause := range r.pauses {
		middle := 500 * time.Millisecond << n
		require.InDelta(t, middle, pause, float64(middle)/4)
	}

	r.faults(t, standin.Faults{ServerError: standin.Fault{Share: 1}})
	before := r.platform.Stats().Requests
	_, err = r.GetOrder(t.Context(), placed[0].ID)
	require.ErrorContains(t, err, "500 server_error INTERNAL_ERROR")
	require.ErrorContains(t, err, "attempt 5")
	require.Equal(t, 5, r.platform.Stats().Requests-before, "bounded")
}

func TestRefusalsAreNotRetried(t *testing.T) {
	r := newRig(t)
	_, err := r.GetOrder(t.Context(), "ord_none")
	require.True(t, platform.IsNotFound(err))
	require.Len(t, r.requests(), 1)
}

func TestAnAttemptIsBounded(t *testing.T) {
	r := newRig(t, func(o *platform.Options) { o.AttemptTimeout = 200 * time.Millisecond })
	r.faults(t, standin.Faults{Slow: standin.Fault{Next: 1}, SlowMillis: 60_000})
	_, err := r.ListOrders(t.Context(), platform.OrderFilter{})
	require.NoError(t, err)
	require.NotEmpty(t, r.pauses, "the next attempt is quicker, or one of those after it on a busy machine")

	r.faults(t, standin.Faults{Slow: standin.Fault{Share: 1}, SlowMillis: 60_000})
	_, err = r.ListOrders(t.Context(), platform.OrderFilter{})
	require.ErrorContains(t, err, "none within 200ms")
}

func TestTheContextBoundsTheCall(t *testing.T) {
	t.Run("ended while waiting", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := newRig(t, func(o *platform.Options) {
			o.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
		})
		r.faults(t, standin.Faults{ServerError: standin.Fault{Share: 1}})
		_, err := r.ListOrders(ctx, platform.OrderFilter{})
		require.ErrorIs(t, err, context.Canceled)
		var e *platform.Error
		require.True(t, errors.As(err, &e), "and why it was waiting")
	})
	t.Run("too near to wait for", func(t *testing.T) {
		r := newRig(t)
		r.faults(t, standin.Faults{RateLimit: standin.Fault{Share: 1}, RetryAfter: "29"})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := r.ListOrders(ctx, platform.OrderFilter{})
		require.True(t, isRateLimited(err))
		require.Empty(t, r.pauses)
	})
}

// isRateLimited reports whether the call failed with 429.
func isRateLimited(err error) bool {
	e, ok := errors.AsType[*platform.Error](err)
	return ok && e.Status == http.StatusTooManyRequests
}
