package receiver

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/ready"
)

// TestWhoAsksBackToBackKeepsOutNoDelivery fills all places with strangers that reconnect as soon as they are closed.
func TestWhoAsksBackToBackKeepsOutNoDelivery(t *testing.T) {
	const most = 16
	release := make(chan struct{})
	hang := ready.Check{Name: "postgresql", Required: true, Run: func(context.Context) error { <-release; return nil }}
	forged := strings.Replace(goodRequest, vectorSignature, strings.Repeat("0", 64), 1)
	for name, request := range map[string]string{
		"while a dependency hangs, for the readiness": "GET " + ready.Path + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"for the health":         "GET " + ready.HealthPath + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"with forged deliveries": forged,
		"for what is not there":  "GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newTest(t, &fakeStarter{}, func(o *Options) {
				o.MaxConnections = most
				checked(o, hang)
			})
			s := serve(t, r)
			asked := askForEver(t, s, most, request)
			require.Eventually(t, func() bool { return asked.Load() >= most }, soon, time.Millisecond)
			for range 5 {
				// Only if its request is not read within its headStart, because the process stalls, is a connection closed. The platform comes again.
				err := tryToDeliver(t, s.addr)
				for tries := 1; err != nil && tries < 3; tries++ {
					err = tryToDeliver(t, s.addr)
				}
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool { return runtime.NumGoroutine() < 20*most }, patience, time.Millisecond,
				"nobody waits for an answer whose connection is closed")
		})
	}
	close(release)
}

// askForEver sends requests on that many connections until the test ends, and returns a counter of the requests sent.
func askForEver(t *testing.T, s *serving, askers int, request string) *atomic.Int32 {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { stop(); wg.Wait() })
	var asked atomic.Int32
	for range askers {
		wg.Go(func() {
			for ctx.Err() == nil {
				if c, err := net.Dial("tcp", s.addr); err == nil {
					end := context.AfterFunc(ctx, func() { _ = c.Close() })
					for answer := make([]byte, 4096); err == nil; {
						if _, err = io.WriteString(c, request); err == nil {
							asked.Add(1)
							_, err = c.Read(answer)
						}
					}
					end()
					_ = c.Close()
				}
			}
		})
	}
	return &asked
}

// places returns a listener in a bubble of fake time, and the connections that fill it, each of which has only just come.
func places(t *testing.T, most int) (*listener, []*conn) {
	r, _ := newTest(t, &fakeStarter{}, nil)
	l := newListener(nil, most, r.log)
	var taken []*conn
	for range most {
		taken = append(taken, l.admit(pipe(t)).(*conn))
	}
	return l, taken
}

func pipe(t *testing.T) net.Conn {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours
}

func (l *listener) has(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, has := l.conns[c]
	return has
}

func TestANewcomerWaitsForAHeadStartAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, taken := places(t, 3)
		began, admitted := time.Now(), make(chan net.Conn)
		go func() { admitted <- l.admit(pipe(t)) }()
		for range int(headStart/time.Millisecond) - 1 { // they are answered all the time, so they never wait long
			time.Sleep(time.Millisecond)
			for _, c := range taken {
				c.whole()
				c.answered()
			}
			synctest.Wait()
			require.True(t, l.has(taken[0]))
		}
		<-admitted
		require.Equal(t, headStart, time.Since(began))
		require.False(t, l.has(taken[0]))
		l.admit(pipe(t))
		require.Equal(t, headStart, time.Since(began), "the others have had theirs")
	})
}

func TestTheHeadStartBeginsWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, taken := places(t, 1)
		taken[0].whole()
		admitted := make(chan net.Conn)
		go func() { admitted <- l.admit(pipe(t)) }()
		time.Sleep(10 * headStart)
		taken[0].answered()
		late := (<-admitted).(*conn)
		require.False(t, l.has(taken[0]))
		go func() { admitted <- l.admit(pipe(t)) }()
		time.Sleep(headStart - time.Nanosecond)
		synctest.Wait()
		require.True(t, l.has(late))
		<-admitted
		require.False(t, l.has(late))
	})
}

func TestTimersDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, taken := places(t, 3)
		admitted := make(chan net.Conn)
		go func() { admitted <- l.admit(pipe(t)) }()
		synctest.Wait()
		const wakes = 10_000
		before := liveObjects()
		for range wakes {
			taken[1].whole()
			taken[1].answered() // wakes the newcomer in vain
			synctest.Wait()
		}
		require.Less(t, liveObjects()-before, wakes/2)
		<-admitted
	})
}

func liveObjects() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapObjects)
}

func TestOnlyPartsThatAreReusedTouchThePool(t *testing.T) {
	asked := 0
	pool := &parts[13] // of the parts of 4096 bytes
	runtime.GC()
	runtime.GC() // the second one empties the pool
	pool.New = func() any { asked++; return (*[]byte)(nil) }
	t.Cleanup(func() { pool.New = nil })
	for _, size := range []int{100, 4095, 4097, 5000, 8191} {
		require.Equal(t, size, cap(newPart(size)))
	}
	require.Zero(t, asked)
	require.Equal(t, 4096, cap(newPart(4096)))
	require.Equal(t, 1, asked)
}
