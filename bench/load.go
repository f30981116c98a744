package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"inorder/internal/delivery"
)

// load says how events are posted: in a closed loop, in which each sender waits for its answer before it posts again, or in an
// open loop, in which events are posted at fixed times, whether or not the earlier ones are answered.
type load struct {
	name    string
	senders int                   // closed loop
	rate    int                   // open loop: events per second
	events  int                   // number of different events
	fewer   int                   // replaces events for subjects with a workflow for every event; 0: does not
	make    func(n int) []posting // deliveries of n different events; nil: new orders
}

func openName(rate int) string { return strconv.Itoa(rate) + "/s" }

func (l load) toWarmUp() load {
	l.events = max(l.events/10, 10)
	return l
}

func (l load) deliveries() []posting {
	if l.make != nil {
		return l.make(l.events)
	}
	return newOrders(l.events)
}

// sent is the result of the deliveries.
type sent struct {
	acks    []time.Duration // from when each was due to be posted until it was answered 200 or given up
	refused int
}

// post posts the deliveries, and returns when all are answered. In a closed loop it retries a refused delivery, as the platform
// would. In an open loop it counts the delivery as refused.
func (l load) post(ctx context.Context, url string, deliveries []posting) (sent, error) {
	client := newClient(max(l.senders, 256))
	defer client.CloseIdleConnections()
	if l.rate > 0 {
		return l.postAtTimes(ctx, client, url, deliveries), ctx.Err()
	}
	acks := make([]time.Duration, len(deliveries))
	var next atomic.Int64
	errs := make([]error, l.senders)
	var all sync.WaitGroup
	for sender := range l.senders {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(deliveries)) && errs[sender] == nil; i = next.Add(1) - 1 {
				begin := time.Now()
				errs[sender] = postUntilTaken(ctx, client, url, deliveries[i])
				acks[i] = time.Since(begin)
			}
		})
	}
	all.Wait()
	return sent{acks: acks}, cmp.Or(errs...)
}

// postAtTimes posts each delivery when it is due, and measures the acknowledgement from that time, so that a late sender hides no delay.
func (l load) postAtTimes(ctx context.Context, client *http.Client, url string, deliveries []posting) sent {
	acks := make([]time.Duration, len(deliveries))
	var refused atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for i, d := range deliveries {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		time.Sleep(time.Until(due))
		all.Go(func() {
			if _, err := postOne(ctx, client, url, d); err != nil {
				refused.Add(1)
			}
			acks[i] = time.Since(due)
		})
	}
	all.Wait()
	return sent{acks, int(refused.Load())}
}

func newClient(conns int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns}, Timeout: time.Minute}
}

var errRefused = errors.New("refused")

// retryAfter is the pause before a refused event is posted again. The platform waits longer.
const retryAfter = 100 * time.Millisecond

func postUntilTaken(ctx context.Context, client *http.Client, url string, d posting) error {
	for begin := time.Now(); ; {
		_, err := postOne(ctx, client, url, d)
		if !errors.Is(err, errRefused) || time.Since(begin) > time.Minute {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryAfter):
		}
	}
}

// postOne posts once, and returns the header Inorder-Result. The error for 503 is errRefused.
func postOne(ctx context.Context, client *http.Client, url string, d posting) (result string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+delivery.Path, bytes.NewReader(d.body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(delivery.SignatureHeader, d.signature)
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.Header.Get(delivery.ResultHeader), nil
	case http.StatusServiceUnavailable:
		return "", errRefused
	}
	return "", fmt.Errorf("answered %s", resp.Status)
}
