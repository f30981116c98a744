package admin

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

func ask(p *prober) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, httptest.NewRequest("GET", ReadyPath, nil))
	return answer
}

func TestReady(t *testing.T) {
	ok := func(context.Context) error { return nil }
	failing := func(context.Context) error { return errors.New("dial 10.1.2.3: refused") }
	for name, tc := range map[string]struct {
		checks []Check
		status int
		body   string
	}{
		"nothing to look at": {nil, 200, `{"ready":true,"dependencies":{}}`},
		"all answer": {
			[]Check{{"temporal", ok, true}, {"postgres", ok, true}}, 200,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgres":{"state":"ok","required":true}}}`,
		},
		"one fails": {
			[]Check{{"temporal", ok, true}, {"postgres", failing, true}}, 503,
			`{"ready":false,"dependencies":{"temporal":{"state":"ok","required":true},"postgres":{"state":"failing","required":true}}}`,
		},
		"one that can be missed fails": {
			[]Check{{"temporal", ok, true}, {"postgres", failing, false}}, 200,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgres":{"state":"failing","required":false}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(newProber(tc.checks, checkTimeout, quiet))
			require.Equal(t, tc.status, answer.Code)
			require.JSONEq(t, tc.body, answer.Body.String())
			require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
		})
	}
}

func TestACheckThatHangsIsNotBegunAgain(t *testing.T) {
	release, begun := make(chan struct{}), atomic.Int32{}
	p := newProber([]Check{{"postgres", func(context.Context) error { begun.Add(1); <-release; return nil }, true}}, 50*time.Millisecond, quiet)
	for range 3 {
		began := time.Now()
		require.Equal(t, 503, ask(p).Code)
		require.Less(t, time.Since(began), 5*time.Second)
	}
	require.EqualValues(t, 1, begun.Load())
	close(release)
	require.Eventually(t, func() bool { return ask(p).Code == 200 }, 5*time.Second, 10*time.Millisecond, "and then it may")
}

func TestThoseWhoAskAtOnceShareOneLook(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{}, 100)
	p := newProber([]Check{{"postgres", func(context.Context) error { begun <- struct{}{}; <-release; return nil }, true}}, time.Minute, quiet)
	var asked, all sync.WaitGroup
	for range 20 {
		asked.Add(1)
		all.Go(func() { asked.Done(); require.Equal(t, 200, ask(p).Code) })
	}
	asked.Wait()
	<-begun
	close(release)
	all.Wait()
	require.Less(t, len(begun), 20)
}

func TestAStateIsLoggedOnce(t *testing.T) {
	log, logs := testenv.Logs(t)
	var cause error
	p := newProber([]Check{{"postgres", func(context.Context) error { return cause }, true}}, checkTimeout, log)
	ask(p)
	require.Empty(t, logs.String())
	cause = errors.New("failed:\n\t127.0.0.1: refused\n\t127.0.0.1: refused\n")
	ask(p)
	ask(p)
	cause = nil
	ask(p)
	ask(p)
	require.Equal(t, 2, strings.Count(logs.String(), "\n"))
	require.Contains(t, logs.String(), `cause="failed: 127.0.0.1: refused"`)
	require.Contains(t, logs.String(), "answers again")
}
