package receiver

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStartsWaitForTheirTurn(t *testing.T) {
	const limit, deliveries = 3, 12
	release := make(chan struct{})
	starter := &fakeStarter{block: func(context.Context) error { <-release; return nil }}
	r, _ := newTest(t, starter, func(o *Options) { o.MaxStarts, o.StartTimeout = limit, patience })

	var wg sync.WaitGroup
	statuses := make([]int, deliveries)
	for i := range deliveries {
		wg.Go(func() {
			res, _ := send(t, r, posted(fmt.Sprintf(`{"id":"evt_%d","type":"order.paid"}`, i)))
			statuses[i] = res.StatusCode
		})
	}
	require.Eventually(t, func() bool { return len(starter.all()) == limit }, 2*time.Minute, time.Millisecond)
	for done := 1; done <= deliveries; done++ { // each start that ends lets exactly one more begin
		release <- struct{}{}
		want := min(limit+done, deliveries)
		require.Eventually(t, func() bool { return len(starter.all()) == want }, 2*time.Minute, time.Millisecond)
	}
	wg.Wait()
	for _, status := range statuses {
		require.Equal(t, http.StatusOK, status)
	}
}

func TestAStartWhoseTurnDoesNotComeIs503(t *testing.T) {
	release := make(chan struct{})
	starter := &fakeStarter{block: func(context.Context) error { <-release; return nil }}
	r, logs := newTest(t, starter, func(o *Options) { o.MaxStarts, o.StartTimeout = 1, 50*time.Millisecond })

	var wg sync.WaitGroup
	wg.Go(func() { send(t, r, posted(`{"id":"evt_1","type":"order.paid"}`)) })
	require.Eventually(t, func() bool { return len(starter.all()) == 1 }, 2*time.Minute, time.Millisecond)
	res, _ := send(t, r, posted(`{"id":"evt_2","type":"order.paid"}`))
	close(release)
	wg.Wait()
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.NotEmpty(t, res.Header.Get("Retry-After"))
	require.Contains(t, logs.String(), "1 other start is under way")
}
