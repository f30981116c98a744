package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/loglimit"
	"inorder/internal/operate"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// fake is an Inspector, an Operator and Bulks. It records what it was asked, and returns err, or else an answer with an ID.
type fake struct {
	mu    sync.Mutex
	calls []string
	acts  []operate.Act
	err   error
	wait  chan struct{} // acts wait until it is closed; nil: they don't wait
}

func (f *fake) note(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

func (f *fake) act(name, id, body string, by operate.Act) (api.Done, error) {
	err := f.note("%s %s %s by %s: %s", name, id, body, by.Actor, by.Reason)
	f.mu.Lock()
	f.acts = append(f.acts, by)
	wait := f.wait
	f.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-time.After(testenv.Patience):
			return api.Done{}, errors.New("nobody let the act end")
		}
	}
	return api.Done{EventID: id, Action: api.Action(name), Result: "signaled"}, err
}

func (f *fake) Status(context.Context) (api.Status, error) {
	return api.Status{OK: true}, f.note("status")
}

func (f *fake) Orders(_ context.Context, q api.OrdersQuery) (api.Page[api.Order], error) {
	return api.Page[api.Order]{NextCursor: "next"}, f.note("orders %+v", q)
}

func (f *fake) Order(_ context.Context, id string) (api.OrderView, error) {
	return api.OrderView{Order: api.Order{ID: id}}, f.note("order %s", id)
}

func (f *fake) Timeline(_ context.Context, id, cursor string, limit int) (api.Page[api.Event], error) {
	return api.Page[api.Event]{NextCursor: "next"}, f.note("timeline %s %s %d", id, cursor, limit)
}

func (f *fake) Blocked(_ context.Context, id string) (api.Blocked, error) {
	return api.Blocked{OrderID: id, Events: api.Page[api.Blocker]{NextCursor: "next"}}, f.note("blocked %s", id)
}

func (f *fake) Events(_ context.Context, q api.Filter, cursor string, limit int) (api.Page[api.Event], error) {
	text, _ := json.Marshal(q)
	return api.Page[api.Event]{NextCursor: "next"}, f.note("events %s %s %d", text, cursor, limit)
}

func (f *fake) Event(_ context.Context, id string) (api.EventView, error) {
	return api.EventView{Event: api.Event{EventID: id}, Payload: json.RawMessage(`{"<":1}`)}, f.note("event %s", id)
}

func (f *fake) Audit(_ context.Context, q api.AuditQuery) (api.Page[api.AuditEntry], error) {
	return api.Page[api.AuditEntry]{NextCursor: "next"}, f.note("audit %+v", q)
}

func (f *fake) Refusals(_ context.Context, q api.RefusedQuery) (api.Page[api.Refused], error) {
	return api.Page[api.Refused]{NextCursor: "next"}, f.note("refusals %s %v %v %+v", q.Reason, q.After, q.Before, q.ListQuery)
}

func (f *fake) Refused(_ context.Context, id int64) (api.Refused, error) {
	return api.Refused{ID: id}, f.note("refused %d", id)
}

func (f *fake) Retry(_ context.Context, id string, by operate.Act) (api.Done, error) {
	return f.act("retry", id, "", by)
}

func (f *fake) Discard(_ context.Context, id string, by operate.Act) (api.Done, error) {
	return f.act("discard", id, "", by)
}

func (f *fake) Replay(_ context.Context, id string, by operate.Act) (api.Done, error) {
	return f.act("replay", id, "", by)
}

func (f *fake) Amend(_ context.Context, id string, body json.RawMessage, by operate.Act) (api.Done, error) {
	return f.act("amend", id, string(body), by)
}

func (f *fake) Preview(_ context.Context, asked api.BulkRequest) (api.Preview, error) {
	return api.Preview{Count: 3, Filter: asked.Filter}, f.note("preview %s", asked.Action)
}

func (f *fake) Start(_ context.Context, asked api.BulkRequest, actor, key string) (api.Started, error) {
	err := f.note("start %s %s by %s: %s", asked.Action, asked.Filter.State, actor, asked.Reason)
	if asked.Filter.State == api.StateInbox {
		return api.Started{}, err
	}
	return api.Started{ID: "bulk " + key}, err
}

func (f *fake) Get(_ context.Context, id string) (api.Bulk, error) {
	return api.Bulk{ID: id, End: "running"}, f.note("bulk %s", id)
}

func (f *fake) Stop(_ context.Context, id, actor, reason string) (api.Bulk, error) {
	return api.Bulk{ID: id, End: "stopped"}, f.note("stop %s by %s: %s", id, actor, reason)
}

// fakeBulks is the fake as Bulks.
type fakeBulks struct{ *fake }

func (f fakeBulks) Events(_ context.Context, id string, after int, failed bool, limit int) ([]api.BulkEnd, error) {
	return []api.BulkEnd{{Place: after + 1, EventID: "evt_1"}}, f.note("bulk events %s %d %v %d", id, after, failed, limit)
}

const (
	adminToken = "canary-admin-token-1234"
	readToken  = "canary-read-token-12345"
)

// rig is an API on a fake.
type rig struct {
	*testing.T
	*fake
	api  *API
	logs *testenv.Output
}

func newRig(t *testing.T, keys Keys) *rig {
	logs := &testenv.Output{}
	log := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tokens, err := LoadTokens(TokenOptions{Token: adminToken, File: tokensFile(t, "rita "+readToken+" read\nanna canary-anna-token-1234\n"), Log: log})
	require.NoError(t, err)
	f := &fake{}
	limited := loglimit.New(log, loglimit.Every)
	t.Cleanup(limited.Flush)
	return &rig{t, f, NewAPI(APIOptions{Inspector: f, Operator: f, Bulks: fakeBulks{f}, Keys: keys, Tokens: tokens, MaxEventBytes: 1 << 20, Version: "test", Limited: limited}), logs}
}

// send sends one request with the admin's token. Headers are name, value, ….
func (r *rig) send(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+adminToken)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	r.api.ServeHTTP(w, req)
	return w
}

// problem requires that a request is answered with a problem, and returns it.
func (r *rig) problem(w *httptest.ResponseRecorder, status int, kind string) (p api.Problem) {
	r.Helper()
	text, _ := io.ReadAll(w.Result().Body)
	require.Equal(r, status, w.Code, string(text))
	require.Equal(r, api.ProblemType, w.Header().Get("Content-Type"))
	require.NoError(r, json.Unmarshal(text, &p))
	require.Equal(r, kind, p.Type)
	require.Equal(r, status, p.Status)
	require.Equal(r, http.StatusText(status), p.Title)
	require.NotEmpty(r, p.Detail)
	require.NotContains(r, string(text), "canary")
	return p
}

func (r *rig) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.calls) == 0 {
		return ""
	}
	return r.calls[len(r.calls)-1]
}
