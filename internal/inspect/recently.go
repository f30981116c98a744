package inspect

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// recently keeps the answer to a question, and asks it once for all who want to know at the same time. Temporal answers only some ten questions a
// second about all workflows, makes others wait, and many may watch. An error is not kept.
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
		if answer, fresh := r.kept(keep); fresh { // it came since the look above
			return answer, nil
		}
		answer, err := question(context.WithoutCancel(ctx)) // who asks first may leave before the others
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
