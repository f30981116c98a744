package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

// fakeAdmin answers as the admin API does. answers maps "GET /api/events" and the like, without a query, to a value, a *api.Problem or a
// function of the request.
type fakeAdmin struct {
	mu      sync.Mutex
	answers map[string]any
	calls   []string // with their queries and bodies
}

func (f *fakeAdmin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.calls = append(f.calls, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	answer, known := f.answers[r.Method+" "+r.URL.Path]
	f.mu.Unlock()
	if of, is := answer.(func(*http.Request, []byte) any); is {
		answer = of(r, body)
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer token_1":
		answer = &api.Problem{Type: api.ProblemUnauthorized, Status: 401, Detail: "the token is not known"}
	case !known:
		answer = &api.Problem{Type: api.ProblemNotFound, Status: 404, Detail: "there is no " + strings.TrimPrefix(r.URL.Path, "/api/")}
	}
	status := http.StatusOK
	w.Header().Set("Content-Type", "application/json")
	if p, refused := answer.(*api.Problem); refused {
		status = p.Status
		w.Header().Set("Content-Type", api.ProblemType)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// called returns the calls that begin with prefix.
func (f *fakeAdmin) called(prefix string) (found []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if strings.HasPrefix(c, prefix) {
			found = append(found, c)
		}
	}
	return found
}

func (f *fakeAdmin) set(call string, answer any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[call] = answer
}

func newAdmin(t *testing.T, answers map[string]any) *fakeAdmin {
	f := &fakeAdmin{answers: answers}
	clean(t, "ADMIN_URL", serverOf(t, f), "ADMIN_TOKEN", "token_1", "HEADLESS_COMMERCE_API_KEY", "", "NO_COLOR", "", "TERM", "xterm")
	return f
}

func serverOf(t *testing.T, h http.Handler) (url string) {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// screen is a terminal.
type screen struct {
	testenv.Output
	width, height int
}

func (s *screen) Size() (int, int) { return s.width, s.height }

// person is a person at a terminal, who types what the reader holds.
type person struct{ io.Reader }

func (person) IsPerson() bool { return true }

// atTerminal runs a command at a terminal of that width, where a person types.
func atTerminal(ctx context.Context, width int, typed string, args ...string) (out, errs string, code int) {
	o, e := screen{width: width, height: 500}, testenv.Output{}
	code = run(ctx, args, streams{in: person{strings.NewReader(typed)}, out: &o, err: &e})
	return o.String(), e.String(), code
}

func asked(t *testing.T, line string) (out, errs string, code int) {
	t.Helper()
	return program(t.Context(), wordsOf(line)...)
}

// wordsOf splits a line at blanks; '…' holds words together.
func wordsOf(line string) (list []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}

// document decodes out, which must be one JSON document.
func document[T any](t *testing.T, out string) (v T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(out))
	require.NoError(t, d.Decode(&v), out)
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF, "more than one document")
	return v
}

func ago(d time.Duration) time.Time { return time.Now().Add(-d).UTC() }

func at(d time.Duration) *time.Time { t := ago(d); return &t }

// someEvents is made anew for each test, because its ages are counted from now: tests may run minutes after the process has begun.
func someEvents() api.Page[api.Event] {
	return api.Page[api.Event]{Data: []api.Event{
		{EventID: "evt_0123456789abcdef", Type: "order.paid", OrderID: "order_1", StoreID: "store_1", State: api.StateStuck, Detail: "its order does not exist yet, and has not for a long time, which is not usual at all",
			ReceivedAt: ago(26 * time.Hour), AgeSeconds: 93600},
		{EventID: "evt_2", Type: "fulfillment.shipped", OrderID: "order_2\x1b[2J", StoreID: "store_1", State: api.StateEnded, Outcome: "applied", Via: "workflow",
			ReceivedAt: ago(time.Hour), ProcessedAt: at(3 * time.Minute)},
	}}
}
