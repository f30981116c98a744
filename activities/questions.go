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
	// failuresLast is less than the first pause before FetchOrder is retried, so that each retry asks anew. In between, a
	// platform that does not answer costs the many events of one order no more than one question.
	failuresLast = 5 * time.Second
	// maxRemembered bounds the answers that are kept; those beyond are forgotten at once.
	maxRemembered = 1000
)

// questions ask for each order once at a time. A caller that comes meanwhile waits for that answer, and one that comes a
// moment after it gets it, too. The zero value is ready.
type questions struct {
	mu    sync.Mutex
	asked map[string]*question // by the order's ID
}

// question is one that is being asked, or whose answer is kept.
type question struct {
	answered chan struct{} // closed when the fields below are set
	answer   FetchOrderResult
	err      error
	until    time.Time // the answer is kept until then; zero while it is being asked
}

func (one *question) over(now time.Time) bool { return !one.until.IsZero() && now.After(one.until) }

// ask returns what find returns, or what it returned to another caller. ctx bounds the waiting for another caller's answer.
func (q *questions) ask(ctx context.Context, orderID string, find func() (FetchOrderResult, error)) (FetchOrderResult, error) {
	q.mu.Lock()
	one := q.asked[orderID]
	if one == nil || one.over(time.Now()) {
		// If find panics, the callers that wait get this error.
		one = &question{answered: make(chan struct{}), err: errors.New("the question for the order was cut off")}
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

// settle gives the answer to the callers that wait, and keeps it.
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
