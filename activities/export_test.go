package activities

import (
	"context"
	"time"
)

// What tests need to see or to speed up.

const MaxRemembered = maxRemembered

// Questions are the questions of FetchOrder.
type Questions struct{ q questions }

func (q *Questions) Ask(ctx context.Context, orderID string, find func() (FetchOrderResult, error)) (FetchOrderResult, error) {
	return q.q.ask(ctx, orderID, find)
}

// Remembered returns how many questions are kept.
func (q *Questions) Remembered() int { return len(q.q.asked) }

// ForgetAnswers makes FetchOrder ask again for orders that were answered a moment ago.
func ForgetAnswers(a *Activities) {
	a.questions.mu.Lock()
	defer a.questions.mu.Unlock()
	for _, one := range a.questions.asked {
		if !one.until.IsZero() {
			one.until = time.Now().Add(-time.Second)
		}
	}
}
