package activities

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

const (
	// answersLast is how long an answer is remembered: those who wait for one order ask at about the same time. Their next
	// looks are at least a minute away.
	answersLast = 10 * time.Second
	// failuresLast is less than the first pause before FetchOrder is tried again, so that each try asks anew. In between, a
	// platform that does not answer costs the many who ask for one order no more than one question.
	failuresLast = 5 * time.Second
	// maxRemembered bounds the answers that are remembered; the others are forgotten at once.
	maxRemembered = 1000
)

// questions has each question asked once at a time. Who asks what is being asked waits for that answer, and who asks
// what was answered a moment ago is told it. The zero value is ready.
type questions struct {
	mu    sync.Mutex
	asked map[string]*question
}

// question is one that is being asked, or whose answer is remembered.
type question struct {
	answered chan struct{} // closed when the rest is set
	answer   FetchOrderResult
	err      error
	until    time.Time // it is remembered; zero while it is being asked
}

// ask answers the question about an order by find, or by the answer that somebody else gets or got. ctx bounds the waiting
// for somebody else's.
func (q *questions) ask(ctx context.Context, orderID string, find func() (FetchOrderResult, error)) (FetchOrderResult, error) {
	one, ours := q.join(orderID)
	if ours {
		defer q.settle(orderID, one)
		one.answer, one.err = find()
		return one.answer, one.err
	}
	select {
	case <-one.answered:
		return one.answer, one.err
	case <-ctx.Done():
		return FetchOrderResult{}, ctx.Err()
	}
}

// join finds the question about an order, or opens one, which is then ours to ask and to settle.
func (q *questions) join(orderID string) (one *question, ours bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if one := q.asked[orderID]; one != nil && !one.over(time.Now()) {
		return one, false
	}
	// The error is for those who wait, should the asking panic.
	one = &question{answered: make(chan struct{}), err: errors.New("the question for the order was cut off")}
	if q.asked == nil {
		q.asked = map[string]*question{}
	}
	q.asked[orderID] = one
	return one, true
}

// settle tells the answer to those who wait, and remembers it.
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

func (one *question) over(now time.Time) bool { return !one.until.IsZero() && now.After(one.until) }
