package receiver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

// ask makes a request on a connection and reads the answer.
func ask(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.WriteString(c, smuggled)
	require.NoError(t, err)
	require.Equal(t, 200, readAnswer(t, bufio.NewReader(c)))
}

var goodRequest = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
	delivery.Path, delivery.SignatureHeader, vectorSignature, len(vectorBody), vectorBody)

func deliver(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.WriteString(c, goodRequest)
	require.NoError(t, err)
	require.Equal(t, 200, readAnswer(t, bufio.NewReader(c)))
}

func isClosed(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Read(make([]byte, 1))
	var network net.Error
	require.Error(t, err)
	require.False(t, errors.As(err, &network) && network.Timeout(), "it is still open")
}

func TestOneConnectionTooManyClosesTheOldestWithoutARequest(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var starts atomic.Int32
	starter := &fakeStarter{block: func(context.Context) error {
		if starts.Add(1) == 1 {
			close(entered)
			<-release
		}
		return nil
	}}
	r, logs := newTest(t, starter, func(o *Options) { o.MaxConnections = 6 })
	s := serve(t, r)
	working := dial(t, s) // the oldest of all, but with a whole request
	_, err := io.WriteString(working, goodRequest)
	require.NoError(t, err)
	<-entered
	asked := dial(t, s)
	ask(t, asked)
	delivered := dial(t, s)
	deliver(t, delivered)
	begun := dial(t, s)
	_, err = io.WriteString(begun, "POST ")
	require.NoError(t, err)
	unused := dial(t, s)
	ask(t, dial(t, s))    // connections are accepted in order: once this one is, the others are, too
	ask(t, asked)         // stays the oldest of those that may be closed
	deliver(t, delivered) // becomes the youngest

	ask(t, dial(t, s))
	isClosed(t, asked)
	ask(t, dial(t, s))
	isClosed(t, begun)
	ask(t, dial(t, s))
	isClosed(t, unused)
	deliver(t, delivered)
	close(release)
	require.Equal(t, 200, readAnswer(t, bufio.NewReader(working)))
	require.Contains(t, logs.String(), "MAX_CONNECTIONS")
}

func TestWhenAllConnectionsWorkTheNextOneWaits(t *testing.T) {
	release := make(chan struct{})
	starter := &fakeStarter{block: func(context.Context) error { <-release; return nil }}
	r, _ := newTest(t, starter, func(o *Options) { o.MaxConnections = 2 })
	s := serve(t, r)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			client := newClient(t)
			for {
				// A connection whose request is not read within its headStart, because the process stalls, is closed for the next one.
				status, _, err := s.try(client, eventBody(i, 0), false)
				if err == nil || t.Failed() {
					assert.Equal(t, 200, status)
					return
				}
			}
		})
	}
	require.Eventually(t, func() bool { return len(starter.all()) == 2 }, soon, time.Millisecond)
	for range 6 {
		release <- struct{}{}
	}
	wg.Wait()
	require.Len(t, starter.all(), 6, "no connection was closed while it worked")
}

func TestThereAreFewerConnectionsThanFiles(t *testing.T) {
	r, logs := newTest(t, &fakeStarter{}, func(o *Options) { o.MaxConnections = math.MaxInt32 - 1 })
	most := r.maxConnections()
	require.Less(t, most, fileLimit())
	require.Contains(t, logs.String(), "ulimit -n")
	r, logs = newTest(t, &fakeStarter{}, func(o *Options) { o.MaxConnections = 10 })
	require.Equal(t, 10, r.maxConnections())
	require.Empty(t, logs.String())
}

// flakyListener fails a given number of times, as a listener does in a process that has too many open files.
type flakyListener struct {
	net.Listener
	failures int
}

func (l *flakyListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestFailureToAcceptIsNotTheEnd(t *testing.T) {
	r, logs := newTest(t, &fakeStarter{}, nil)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := serveOn(t, r, &flakyListener{inner, 2})
	status, _ := s.post(t, newClient(t), vectorBody, false)
	require.Equal(t, 200, status)
	require.Contains(t, logs.String(), "too many open files")
}
