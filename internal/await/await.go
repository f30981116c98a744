// Package await waits for servers that are still starting, or gone for a while, and for time to pass.
package await

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"inorder/internal/loglimit"
	"inorder/internal/words"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 10 * time.Second
	// oneTry is how long a server may take to answer before it counts as down.
	oneTry = 5 * time.Second
)

// Permanent marks an error that waiting does not cure.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// IsPermanent reports whether err was marked by Permanent.
func IsPermanent(err error) bool {
	_, permanent := errors.AsType[*permanentError](err)
	return permanent
}

// Ready calls probe until it succeeds, with pauses that grow from 0.5 to 10 s, and logs each failure with the number of the
// attempt and the next pause. It returns a Permanent error at once, unwrapped. When ctx ends, it returns an error that names what
// is not ready and the last cause.
func Ready(ctx context.Context, log *slog.Logger, what string, probe func(context.Context) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		try, cancel := context.WithTimeout(ctx, oneTry)
		err := probe(try)
		cancel()
		permanent, isPermanent := errors.AsType[*permanentError](err)
		switch {
		case err == nil:
			if attempt > 1 {
				log.Info(what+" is ready", "attempt", attempt)
			}
			return nil
		case isPermanent:
			return permanent.error
		case ctx.Err() != nil:
			return fmt.Errorf("%s is not ready after %s: %w", what, words.Count(attempt, "attempt"), err)
		}
		log.Warn(what+" is not ready; trying again", "attempt", attempt, "next_try_in", pause, "cause", loglimit.OneLine(err))
		if Sleep(ctx, pause) != nil {
			return fmt.Errorf("%s is not ready after %s: %w", what, words.Count(attempt, "attempt"), err)
		}
		pause = min(2*pause, maxPause)
	}
}

// Sleep waits for d. If ctx ends first, it returns ctx.Err().
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
