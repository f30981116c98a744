package receiver

import (
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

const (
	// soon is far longer than anything here takes, even if the machine stalls, and shorter than readTimeout, which would end a wait otherwise.
	soon = 9 * time.Second
	// patience is for an answer, which says itself whether it is right. It is shorter than idleTimeout, so that a connection that should be
	// closed at once is not taken for closed when it was merely idle.
	patience = time.Minute
)

type serving struct {
	addr string
	stop context.CancelFunc
	done chan error
}

// serve runs the receiver on a real listener until stop is called or the test ends.
func serve(t *testing.T, r *Receiver) *serving {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveOn(t, r, l)
}

func serveOn(t *testing.T, r *Receiver, l net.Listener) *serving {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &serving{addr: l.Addr().String(), stop: stop, done: make(chan error, 1)}
	go func() { s.done <- r.Serve(ctx, l); close(s.done) }()
	t.Cleanup(func() {
		stop()
		_ = s.wait(t)
	})
	return s
}

func (s *serving) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.done:
		return err
	case <-time.After(soon):
		require.FailNow(t, "the receiver does not stop")
		return nil
	}
}

func (s *serving) refusesConnections() bool {
	c, err := net.Dial("tcp", s.addr)
	if err == nil {
		_ = c.Close()
	}
	return err != nil
}

// post sends a signed body, chunked or with its length.
func (s *serving) post(t *testing.T, c *http.Client, body string, chunked bool) (int, string) {
	t.Helper()
	status, result, err := s.try(c, body, chunked)
	require.NoError(t, err)
	return status, result
}

// try is post without a test, for a connection that may be closed.
func (s *serving) try(c *http.Client, body string, chunked bool) (status int, result string, err error) {
	var reader io.Reader = strings.NewReader(body)
	if chunked {
		reader = io.MultiReader(reader)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+delivery.Path, reader)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set(delivery.SignatureHeader, delivery.Sign(vectorSecret, []byte(body)))
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get(delivery.ResultHeader), err
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func TestChunkedDelivery(t *testing.T) {
	starter := &fakeStarter{}
	r, _ := newTest(t, starter, nil)
	status, result := serve(t, r).post(t, newClient(t), vectorBody, true)
	require.Equal(t, 200, status)
	require.Equal(t, delivery.ResultAccepted, result)
	require.Equal(t, vectorBody, string(starter.all()[0].body))
}

func dial(t *testing.T, s *serving) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

func TestBodiesOutliveTheirRequests(t *testing.T) {
	starter := &fakeStarter{}
	r, _ := newTest(t, starter, nil)
	s := serve(t, r)
	const senders, each = 4, 20
	var wg sync.WaitGroup
	for sender := range senders {
		c := newClient(t) // one connection per sender: all its requests share the connection's buffer
		wg.Go(func() {
			for i := range each {
				status, _ := s.post(t, c, eventBody(sender, i), false)
				require.Equal(t, 200, status)
			}
		})
	}
	wg.Wait()
	got := map[string]string{}
	for _, start := range starter.all() {
		got[start.options.ID] = string(start.body)
	}
	require.Len(t, got, senders*each)
	for sender := range senders {
		for i := range each {
			require.Equal(t, eventBody(sender, i), got[fmt.Sprintf("evt_%d_%02d", sender, i)])
		}
	}
}

func eventBody(sender, i int) string {
	return fmt.Sprintf(`{"id":"evt_%d_%02d","type":"order.paid","data":{"id":"order_%d_%02d"}}`, sender, i, sender, i)
}

func TestShutdownAnswersWhatWasAccepted(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	starter := &fakeStarter{block: func(context.Context) error {
		close(entered)
		<-release
		return nil
	}}
	r, _ := newTest(t, starter, nil)
	s := serve(t, r)
	answered := make(chan string, 1)
	go func() {
		_, result := s.post(t, newClient(t), vectorBody, false)
		answered <- result
	}()
	<-entered
	s.stop()
	require.Eventually(t, s.refusesConnections, soon, time.Millisecond)
	select {
	case err := <-s.done:
		require.FailNow(t, "the receiver stopped before it had answered", err)
	default:
	}
	close(release)
	require.Equal(t, delivery.ResultAccepted, <-answered)
	require.NoError(t, s.wait(t))
}

func TestShutdownIsBounded(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	starter := &fakeStarter{block: func(context.Context) error {
		close(entered)
		<-release
		return nil
	}}
	r, _ := newTest(t, starter, func(o *Options) { o.ShutdownTimeout = time.Millisecond })
	s := serve(t, r)
	c := dial(t, s)
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		delivery.Path, delivery.SignatureHeader, vectorSignature, len(vectorBody), vectorBody)
	require.NoError(t, err)
	<-entered
	s.stop()
	require.ErrorContains(t, s.wait(t), "still under way after 1ms")
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestShutdownDoesNotWaitForIdleConnections(t *testing.T) {
	r, _ := newTest(t, &fakeStarter{}, nil)
	s := serve(t, r)
	unused := dial(t, s)
	// Connections are accepted in order: once this request is answered, the connection without a request has been accepted.
	status, _ := s.post(t, newClient(t), vectorBody, false)
	require.Equal(t, 200, status)

	s.stop()
	require.NoError(t, s.wait(t))
	_, err := unused.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestStopBeforeTheFirstRequest(t *testing.T) {
	for range 20 {
		r, _ := newTest(t, &fakeStarter{}, nil)
		s := serve(t, r)
		s.stop()
		require.NoError(t, s.wait(t))
		require.True(t, s.refusesConnections())
	}
}

func TestTakenPortNamesTheSetting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	r, _ := newTest(t, &fakeStarter{}, nil)
	err = r.Run(context.Background(), l.Addr().String())
	require.ErrorContains(t, err, "LISTEN_ADDR")
	require.ErrorContains(t, err, l.Addr().String())
}
