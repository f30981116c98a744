package activities

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

const (
	// answersLast is how long an answer is kept: the events that wait for one order ask at about the same time, and not again
	// within a minute.
	answersLast = 10 * time.Second
	// failuresLast is shorter than the first pause before FetchOrder is retried, so that each retry asks again. Until then, the
	// many events of one order share a single question to a platform that doesn't answer.
	failuresLast = 5 * time.Second
	// maxRemembered bounds how many answers are kept; further ones are forgotten at once.
	maxRemembered = 1000
)

// questions makes sure that each order is asked for once at a time. A caller that comes meanwhile waits for that answer, and a
// caller that comes shortly after gets it, too. The zero value is ready to use.
type questions struct {
	mu    sync.Mutex
	asked map[string]*question // by the order's ID
}

// question is a question that is being asked, or whose answer is kept.
type question struct {
	answered chan struct{} // closed when the fields below are set
	answer   FetchOrderResult
	err      error
	until    time.Time // when the kept answer expires; zero while the question is being asked
}

func (one *question) over(now time.Time) bool { return !one.until.IsZero() && now.After(one.until) }

// ask returns what find returns, or what another caller's find returned. ctx limits how long it waits for another caller.
func (q *questions) ask(ctx context.Context, orderID string, find func() (FetchOrderResult, error)) (FetchOrderResult, error) {
	q.mu.Lock()
	one := q.asked[orderID]
	if one == nil || one.over(time.Now()) {
		// If find panics, the waiting callers get this error.
		one = &question{answered: make(chan struct{}), err: errors.New("asking the platform for the order was interrupted")}
		if q.asked == nil {
			q.asked = map[string]*question{}
		}
		q.asked[orderID] = one
		q.mu.Unlock()
		defer q.settle(orderID, one)
		one.answer, one.err = find()
		return one.answer, one.err
	}
	q.mu.Unlock()
	select {
	case <-one.answered:
		return one.answer, one.err
	case <-ctx.Done():
		return FetchOrderResult{}, ctx.Err()
	}
}

// settle releases the waiting callers, and keeps the answer.
func (q *questions) settle(orderID string, one *question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	one.until = now.Add(answersLast)
	if one.err != nil {
		one.until = now.Add(failuresLast)
	}
	close(one.answered)
	if len(q.asked) > maxRemembered {
		maps.DeleteFunc(q.asked, func(_ string, other *question) bool { return other.over(now) })
	}
	if len(q.asked) > maxRemembered {
		delete(q.asked, orderID)
	}
}
