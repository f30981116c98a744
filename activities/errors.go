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
	// DataErrorType is the type of the application error of an event that can never be applied as it is. ApplyEvent answers
	// such events as an outcome; older histories have the error.
	DataErrorType = "DataError"
	// OrderBusyType is the type of the application error of an event whose order is locked.
	OrderBusyType = "OrderBusy"
)

// classify decides whether Temporal retries what applies or discards an event. An error that lasts (store.IsLasting: the data
// causes it) is not retried. Any other, such as a lost connection, is retried without an end, with the pauses of
// workflows/options.go; one of a locked order sooner, because mostly it is only busy.
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

// busyPause returns a pause that grows with the attempts from a quarter of a second to two, scattered by a half, and with how
// many events of the order come back. A local activity has none: the slow path begins at once.
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

// PlatformErrorType is the type of the application error of a platform that will not answer until somebody changes
// something, or until the time has passed that it named.
const PlatformErrorType = "PlatformRefuses"

// retrySlowly has Temporal pause for longer where an earlier attempt would be of no use: ten minutes if the key is refused or
// the answer has no date, and as long as the platform asks for, an hour at most.
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

// StoppedErrorType is the type of the application error of a listing that cannot go on, and that no retry cures.
const StoppedErrorType = "ListingStopped"
