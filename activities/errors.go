package activities

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"inorder/internal/platform"
	"inorder/internal/reconcile"
	"inorder/internal/store"
)

const (
	// DataErrorType is the type of the application error of an event that can never be applied as it is. ApplyEvent returns
	// an outcome for such an event; older histories have the error.
	DataErrorType = "DataError"
	// OrderBusyType is the type of the application error of an event whose order is locked.
	OrderBusyType = "OrderBusy"
)

// classify decides whether Temporal retries applying or discarding an event. A lasting error (store.IsLasting: the data
// causes it) is not retried. Any other, such as a lost connection, is retried without limit, with the pauses of
// workflows/options.go. If the order is locked, the pause is shorter, because the order is usually just busy.
func classify(ctx context.Context, err error) error {
	var busy *store.BusyError
	switch {
	case store.IsLasting(err):
		return temporal.NewNonRetryableApplicationError(store.Describe(err), DataErrorType, nil)
	case errors.As(err, &busy):
		return temporal.NewApplicationErrorWithOptions(err.Error(), OrderBusyType, temporal.ApplicationErrorOptions{
			NextRetryDelay: busyPause(ctx, busy),
			Category:       temporal.ApplicationErrorCategoryBenign, // not an error for each attempt in the log
		})
	}
	return err
}

// busyPause returns a pause that grows with the attempts from 250 ms to 2 s, with 50 % jitter, and with the number of
// the order's events that come back. A local activity gets none: the slow path begins at once.
func busyPause(ctx context.Context, busy *store.BusyError) time.Duration {
	attempt := int32(1)
	if activity.IsActivity(ctx) {
		info := activity.GetInfo(ctx)
		if info.IsLocalActivity {
			return 0
		}
		attempt = info.Attempt
	}
	pause := min(time.Duration(attempt)*250*time.Millisecond, 2*time.Second)
	return max(pause/2+rand.N(pause), busy.ComeBack())
}

// PlatformErrorType is the type of the application error when the platform won't answer until somebody changes
// something, or until the time that it asked for has passed.
const PlatformErrorType = "PlatformRefuses"

// retrySlowly makes Temporal pause for longer where an earlier attempt would be useless: ten minutes if the key is refused or
// the answer has no date, or else as long as the platform asks for, but at most an hour.
func retrySlowly(err error) error {
	var refused *platform.Error
	pause := time.Duration(0)
	switch {
	case platform.IsUnauthorized(err), errors.Is(err, reconcile.ErrNoDate):
		pause = 10 * time.Minute // until a person changes something
	case errors.As(err, &refused):
		pause = min(refused.RetryAfter, time.Hour)
	}
	if pause == 0 {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), PlatformErrorType, temporal.ApplicationErrorOptions{NextRetryDelay: pause})
}

// StoppedErrorType is the type of the application error of a listing that can't go on, whatever is retried.
const StoppedErrorType = "ListingStopped"
