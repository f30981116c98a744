package inspect

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// recently caches the answer to a question, and asks it once for all concurrent callers. Temporal answers only about ten questions a second about
// all workflows and makes the others wait, while many people may watch. Errors are not cached.
type recently[T any] struct {
	asking singleflight.Group
	mu     sync.Mutex
	answer T
	at     time.Time // zero before the first answer
}

func (r *recently[T]) ask(ctx context.Context, keep time.Duration, question func(context.Context) (T, error)) (T, error) {
	if answer, fresh := r.kept(keep); fresh {
		return answer, nil
	}
	answer, err, _ := r.asking.Do("", func() (any, error) {
		if answer, fresh := r.kept(keep); fresh { // another caller has stored it since the check above
			return answer, nil
		}
		answer, err := question(context.WithoutCancel(ctx)) // the first caller may leave before the others
		if err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.answer, r.at = answer, time.Now()
		}
		return answer, err
	})
	return answer.(T), err
}

func (r *recently[T]) kept(keep time.Duration) (answer T, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answer, time.Since(r.at) < keep
}
