package receiver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

// smallMemory leaves room for two bodies of 60 KiB, but not for a third.
func smallMemory(o *Options) { o.MaxBodyBytes, o.MaxBodyMemory = 64<<10, 128<<10 }

const largeBody = 60 << 10

// beginBody sends the header of a delivery with a well-formed signature and a part of its body, and returns when the receiver has
// read all of that.
func beginBody(t *testing.T, s *serving, r *Receiver, sent int) net.Conn {
	t.Helper()
	before := r.signed.room()
	c := dial(t, s)
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		delivery.Path, delivery.SignatureHeader, vectorSignature, largeBody, strings.Repeat("a", sent))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return before-r.signed.room() >= sent }, soon, time.Millisecond)
	return c
}

func (p *bodies) room() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

func TestTheOldestUnfinishedBodyGivesWay(t *testing.T) {
	r, logs := newTest(t, &fakeStarter{}, smallMemory)
	s := serve(t, r)
	oldest := beginBody(t, s, r, largeBody-1)
	second := beginBody(t, s, r, largeBody-1)
	status, _ := s.post(t, newClient(t), vectorBody, false)
	require.Equal(t, 200, status)

	answer, err := http.ReadResponse(bufio.NewReader(oldest), nil)
	require.NoError(t, err)
	require.Equal(t, 503, answer.StatusCode)
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	require.True(t, answer.Close)
	require.Contains(t, logs.String(), "memory for request bodies is used up")

	_, err = io.WriteString(second, "a") // the second has room, and its signature is checked once it is whole
	require.NoError(t, err)
	require.Equal(t, 401, readAnswer(t, bufio.NewReader(second)))
	require.Eventually(t, func() bool { return r.signed.room() == r.signed.total }, soon, time.Millisecond)
}

func TestWholeBodiesDoNotGiveWay(t *testing.T) {
	release := make(chan struct{})
	starter := &fakeStarter{block: func(context.Context) error { <-release; return nil }}
	r, _ := newTest(t, starter, smallMemory)
	s := serve(t, r)
	var wg sync.WaitGroup
	statuses := make([]int, 2)
	for i := range statuses {
		wg.Go(func() {
			statuses[i], _ = s.post(t, newClient(t), fmt.Sprintf(`{"id":"evt_%d","type":"order.paid","a":"%s"}`, i, strings.Repeat("a", largeBody-50)), false)
		})
	}
	require.Eventually(t, func() bool { return len(starter.all()) == 2 }, soon, time.Millisecond)

	status, _ := s.post(t, newClient(t), `{"a":"`+strings.Repeat("a", largeBody)+`"}`, false)
	require.Equal(t, 503, status)
	close(release)
	wg.Wait()
	require.Equal(t, []int{200, 200}, statuses)
	status, _ = s.post(t, newClient(t), vectorBody, false)
	require.Equal(t, 200, status)
}

func TestMemoryIsGivenBackHoweverABodyEnds(t *testing.T) {
	r, _ := newTest(t, &fakeStarter{}, smallMemory)
	s := serve(t, r)
	c := newClient(t)
	for _, body := range []string{vectorBody, "", "{", strings.Repeat("a", 65<<10), strings.Repeat("a", 64<<10)} {
		for _, chunked := range []bool{false, true} {
			_, _ = s.post(t, c, body, chunked)
		}
	}
	gone := beginBody(t, s, r, 30<<10)
	require.NoError(t, gone.Close())
	for _, p := range []*bodies{r.signed, r.unsigned} {
		require.Eventually(t, func() bool { return p.room() == p.total }, soon, time.Millisecond)
		require.Zero(t, p.unfinished.Len())
	}
}

func TestBodiesWithoutASignatureTakeNothingFromTheOthers(t *testing.T) {
	r, _ := newTest(t, &fakeStarter{}, smallMemory)
	s := serve(t, r)
	for range 10 {
		c := dial(t, s)
		_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", delivery.Path, largeBody, strings.Repeat("a", 30<<10))
		require.NoError(t, err)
		require.Equal(t, 401, readAnswer(t, bufio.NewReader(c)), "its share is 8 KiB, and the answer known")
	}
	require.Equal(t, r.signed.total, r.signed.room())
}

func TestPartsThatAreReusedShowNothingOfTheirPast(t *testing.T) {
	p := newBodies(1<<20, 8<<20)
	for i := range 50 {
		want := strings.Repeat(string(rune('a'+i%26)), 100_000+i)
		b := &body{from: p}
		require.NoError(t, b.fill(iotestReader{strings.NewReader(want)}, -1))
		require.Equal(t, want, string(b.bytes))
		b.discard()
	}
}

// iotestReader returns few bytes at a time.
type iotestReader struct{ io.Reader }

func (r iotestReader) Read(b []byte) (int, error) { return r.Reader.Read(b[:min(len(b), 1000)]) }
