package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/delivery"
	"inorder/internal/sample"
)

// secret is what all subjects verify with. It protects nothing.
const secret = "whsec_bench"

// result is one measurement.
type result struct {
	rate     float64 // events per second that reached their end, from the first POST on
	p50, p99 time.Duration
	after    time.Duration // how long after the last answer the last event ended
	wal      float64       // bytes per event that PostgreSQL wrote to its log, whoever wrote
}

var sequence atomic.Int64

// measure posts n new events with that many senders, each waiting for its answer, and waits until all reached their end.
func measure(ctx context.Context, pool *pgxpool.Pool, s subject, senders, n int) (result, error) {
	deliveries := make([]posting, n)
	for i := range deliveries {
		deliveries[i] = newPosting()
	}
	done, err := s.done(ctx)
	if err != nil {
		return result{}, err
	}
	written, err := wal(ctx, pool)
	if err != nil {
		return result{}, err
	}
	client := newClient(senders)
	defer client.CloseIdleConnections()

	begin := time.Now()
	acks, err := post(ctx, client, s.url, senders, deliveries)
	if err != nil {
		return result{}, err
	}
	answered := time.Now()
	err = poll(ctx, func() (bool, error) {
		now, err := s.done(ctx)
		return now >= done+int64(n), err
	})
	if err != nil {
		return result{}, err
	}
	r := result{after: time.Since(answered), rate: float64(n) / time.Since(begin).Seconds()}
	slices.Sort(acks)
	r.p50, r.p99 = acks[n/2], acks[n*99/100]
	now, err := wal(ctx, pool)
	r.wal = (now - written) / float64(n)
	return r, err
}

// wal is how many bytes PostgreSQL has written to its log so far.
func wal(ctx context.Context, pool *pgxpool.Pool) (bytes float64, err error) {
	err = pool.QueryRow(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8`).Scan(&bytes)
	return bytes, err
}

func newClient(senders int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}, Timeout: time.Minute}
}

type posting struct {
	body      []byte
	signature string
}

// newPosting is the creation of a new order, about a kilobyte.
func newPosting() posting {
	n := sequence.Add(1)
	order := fmt.Sprintf("order_bench_%d_%d", started.UnixMicro(), n)
	body := sample.Event(sample.Options{Type: "order.created", OrderID: order})
	return posting{body, delivery.Sign(secret, body)}
}

var started = time.Now()

func post(ctx context.Context, client *http.Client, url string, senders int, deliveries []posting) ([]time.Duration, error) {
	acks := make([]time.Duration, len(deliveries))
	var (
		next atomic.Int64
		wg   sync.WaitGroup
		once sync.Once
		fail error
	)
	for range senders {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(deliveries)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				begin := time.Now()
				if _, err := postOne(ctx, client, url, deliveries[i]); err != nil {
					once.Do(func() { fail = err })
					return
				}
				acks[i] = time.Since(begin)
			}
		})
	}
	wg.Wait()
	if fail == nil {
		fail = ctx.Err()
	}
	return acks, fail
}

// postOne returns how the event was taken. Anything but that it is new is an error.
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
	result = resp.Header.Get(delivery.ResultHeader)
	if resp.StatusCode != http.StatusOK || result != delivery.ResultAccepted && result != delivery.ResultSpilled {
		return result, fmt.Errorf("answered %s %q", resp.Status, result)
	}
	return result, nil
}
