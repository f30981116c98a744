package admin

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
)

const discardPath = "/api/events/evt_1/discard"

func (r *rig) discard(key, body string) *httptest.ResponseRecorder {
	return r.send("POST", discardPath, body, api.IdempotencyHeader, key)
}

func (r *rig) done() []operate.Act {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]operate.Act(nil), r.acts...)
}

func TestTheSameRequestHasTheSameAnswerAndOneEffect(t *testing.T) {
	pool := testenv.Database(t)
	r := newRig(t, store.New(pool))
	const body = `{"reason":"spam"}`
	first := r.discard("k-1", body)
	require.Equal(t, 200, first.Code)
	require.Empty(t, first.Header().Get(api.ReplayedHeader))
	for _, key := range []string{"k-1", `"k-1"`, " k-1 "} {
		again := r.discard(key, body)
		require.Equal(t, first.Code, again.Code)
		require.Equal(t, first.Body.String(), again.Body.String())
		require.Equal(t, "application/json", again.Header().Get("Content-Type"))
		require.Equal(t, "true", again.Header().Get(api.ReplayedHeader))
	}
	require.Len(t, r.done(), 1)
	require.Regexp(t, `^api-[0-9a-f]{32}$`, r.done()[0].ID)

	for _, w := range []*httptest.ResponseRecorder{
		r.discard("k-1", `{"reason":"spam!"}`),
		r.send("POST", "/api/events/evt_2/discard", body, api.IdempotencyHeader, "k-1"),
		r.send("POST", "/api/events/evt_1/replay", body, api.IdempotencyHeader, "k-1"),
	} {
		r.problem(w, 422, api.ProblemKeyOtherBody)
	}
	require.Len(t, r.done(), 1)
	anna := r.send("POST", discardPath, body, api.IdempotencyHeader, "k-1", "Authorization", "Bearer canary-anna-token-1234")
	require.Equal(t, 200, anna.Code)
	require.Empty(t, anna.Header().Get(api.ReplayedHeader), "everybody has keys of their own")
	require.NotEqual(t, r.done()[0].ID, r.done()[1].ID)
	require.Equal(t, 200, r.discard("", body).Code)
	require.Empty(t, r.done()[2].ID, "without a key no two requests are the same")

	var canaries int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys k WHERE k::text LIKE '%canary%'`).Scan(&canaries))
	require.Zero(t, canaries)
}

func TestOfManyAtTheSameInstantOneHasAnEffect(t *testing.T) {
	r := newRig(t, store.New(testenv.Database(t)))
	r.wait = make(chan struct{})
	answers := make(chan *httptest.ResponseRecorder, 10)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { answers <- r.discard("same", `{"reason":"spam"}`) })
	}
	for range 9 {
		r.problem(<-answers, 409, api.ProblemKeyInUse)
	}
	close(r.wait)
	all.Wait()
	require.Equal(t, 200, (<-answers).Code)
	require.Len(t, r.done(), 1)
	require.Equal(t, "true", r.discard("same", `{"reason":"spam"}`).Header().Get(api.ReplayedHeader))
}

func TestALeaseIsRenewedWhileTheRequestRunsAndEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	r := newRig(t, store.New(pool))
	r.api.lease = 15 * time.Second // a machine that is busy renews late, by seconds
	r.wait = make(chan struct{})
	slow := make(chan *httptest.ResponseRecorder)
	go func() { slow <- r.discard("slow", `{"reason":"spam"}`) }()
	require.Eventually(t, func() bool { return len(r.done()) == 1 }, testenv.Patience, time.Millisecond)
	leases := map[time.Time]bool{}
	require.Eventually(t, func() bool {
		r.problem(r.discard("slow", `{"reason":"spam"}`), 409, api.ProblemKeyInUse)
		var until time.Time
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT lease_until FROM idempotency_keys WHERE key = 'slow'`).Scan(&until))
		leases[until] = true
		return len(leases) == 3
	}, testenv.Patience, 20*time.Millisecond)
	close(r.wait)
	require.Equal(t, 200, (<-slow).Code)

	// A process that was killed: it claimed the key, and no more.
	body := `{"reason":"crash"}`
	req := httptest.NewRequest("POST", discardPath, nil)
	claim, _, err := store.New(pool).ClaimKey(t.Context(), "admin", "crashed", digest(req, []byte(body)), testenv.Patience)
	require.NoError(t, err)
	r.problem(r.discard("crashed", body), 409, api.ProblemKeyInUse)
	_, err = pool.Exec(t.Context(), `UPDATE idempotency_keys SET lease_until = now() + interval '1 second' WHERE key = 'crashed'`) // instead of waiting for so long
	require.NoError(t, err)
	require.Eventually(t, func() bool { return r.discard("crashed", body).Code == 200 }, testenv.Patience, 20*time.Millisecond)
	acts := r.done()
	require.Equal(t, actOf(context.WithValue(context.WithValue(t.Context(), actorKey{}, actor{name: "admin"}), claimKey{}, claim), "crash"), acts[len(acts)-1], "it is the same act")
}

func TestWhatIsBrokenIsNotKept(t *testing.T) {
	r := newRig(t, store.New(testenv.Database(t)))
	body := `{"reason":"spam"}`
	r.err = errors.New("surprise")
	r.problem(r.discard("k", body), 500, api.ProblemInternal)
	r.err = &operate.UnavailableError{Source: "temporal", Why: "away"}
	r.problem(r.discard("k", body), 503, api.ProblemUnavailable)
	r.err = &operate.UnfitError{EventID: "evt_1", Why: "it has ended"}
	r.problem(r.discard("k", body), 409, api.ProblemUnfit)
	r.err = nil
	w := r.discard("k", body)
	r.problem(w, 409, api.ProblemUnfit)
	require.Equal(t, "true", w.Header().Get(api.ReplayedHeader))
	acts := r.done()
	require.Len(t, acts, 3)
	require.Equal(t, acts[0].ID, acts[2].ID, "tried again, it is the same act")

	r.problem(r.discard("k2", `{"reason":""}`), 400, api.ProblemInvalid)
	r.problem(r.discard("k2", `{"reason":""}`), 400, api.ProblemInvalid)
	require.Len(t, r.done(), 3)
}

func TestAMalformedKeyIsNamed(t *testing.T) {
	r := newRig(t, nil)
	for _, key := range []string{`"`, `""`, `"a`, `"a"b"`, `"a\"b"`, "ü", strings.Repeat("k", 256), " "} {
		p := r.problem(r.discard(key, `{"reason":"spam"}`), 400, api.ProblemInvalid)
		require.Equal(t, "header.Idempotency-Key", p.Errors[0].Location)
	}
	p := r.problem(r.discard("k", `{"reason":"spam"}`), 503, api.ProblemUnavailable)
	require.Contains(t, p.Detail, "DATABASE_URL")
	require.Empty(t, r.calls)
	require.Equal(t, 200, r.discard("", `{"reason":"spam"}`).Code)
}

func TestWithoutTheDatabaseOfKeysNothingIsDone(t *testing.T) {
	pool := testenv.Database(t)
	r := newRig(t, store.New(pool))
	_, err := pool.Exec(t.Context(), `DROP TABLE idempotency_keys`)
	require.NoError(t, err)
	p := r.problem(r.discard("k", `{"reason":"spam"}`), 503, api.ProblemUnavailable)
	require.Contains(t, p.Detail, "; nothing was done: try again in a moment")
	require.Empty(t, r.calls)
}

func TestAPostGoesOnWhenItsSenderIsGone(t *testing.T) {
	r := newRig(t, store.New(testenv.Database(t)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequest("POST", discardPath, strings.NewReader(`{"reason":"spam"}`)).WithContext(ctx)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(api.IdempotencyHeader, "gone")
	r.api.ServeHTTP(httptest.NewRecorder(), req)
	require.Len(t, r.done(), 1)
	require.Equal(t, "true", r.discard("gone", `{"reason":"spam"}`).Header().Get(api.ReplayedHeader))
}
