//go:build unix

package receiver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"inorder/internal/delivery"
)

// BenchmarkServe measures deliveries over kept-alive loopback connections, including the sender's work, with one sender
// and with sixteen. It also reports the median time until the answer.
func BenchmarkServe(b *testing.B) {
	for _, senders := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d senders", senders), func(b *testing.B) {
			r, _ := newTest(b, noStarter{}, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			var served sync.WaitGroup
			served.Go(func() { _ = r.Serve(ctx, l) })
			defer served.Wait()
			defer stop()

			b.ReportAllocs()
			took := make([][]time.Duration, senders)
			var all sync.WaitGroup
			b.ResetTimer()
			busy := processorTime(b)
			for i := range senders {
				all.Go(func() { took[i] = deliverOverOneConnection(b, l.Addr().String(), b.N/senders+1) })
			}
			all.Wait()
			b.StopTimer()
			busy = processorTime(b) - busy
			sorted := slices.Sorted(slices.Values(slices.Concat(took...)))
			b.ReportMetric(float64(len(sorted))/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric(float64(busy.Nanoseconds())/float64(len(sorted)), "cpu-ns/delivery")
			b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds()), "µs/p50")
			b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds()), "µs/p99")
		})
	}
}

func deliverOverOneConnection(b *testing.B, addr string, n int) (took []time.Duration) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer c.Close()
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		delivery.Path, delivery.SignatureHeader, vectorSignature, len(vectorBody), vectorBody)
	answers := bufio.NewReader(c)
	for range n {
		began := time.Now()
		if _, err := c.Write(request); err != nil {
			b.Error(err)
			return took
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil || res.StatusCode != 200 {
			b.Errorf("answer: %v %v", res, err)
			return took
		}
		_, _ = io.Copy(io.Discard, res.Body)
		took = append(took, time.Since(began))
	}
	return took
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
