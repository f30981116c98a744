package receiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"inorder/activities"
	"inorder/dev/vector"
	"inorder/internal/delivery"
)

// One delivery of the platform.
const vectorSecret, vectorBody, vectorSignature = vector.Secret, vector.Body, vector.Signature

const oldSecret = "whsec_test_the_one_before"

var receivedAt = time.Date(2025, 1, 15, 10, 30, 7, 0, time.FixedZone("", 9*60*60))

var _ Starter = client.Client(nil)

// started is what one workflow was started with.
type started struct {
	options  client.StartWorkflowOptions
	workflow any
	body     []byte // not copied: the receiver must not change it later
	receipt  activities.Receipt
}

// fakeStarter records what it is asked to start.
type fakeStarter struct {
	err   error
	block func(context.Context) error // if set, its error is returned instead of err

	mu     sync.Mutex
	starts []started
}

func (f *fakeStarter) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	f.mu.Lock()
	body := args[0].(converter.RawValue).Payload().GetData()
	f.starts = append(f.starts, started{o, workflow, body, args[1].(activities.Receipt)})
	f.mu.Unlock()
	if f.block != nil {
		return nil, f.block(ctx)
	}
	return nil, f.err
}

func (f *fakeStarter) all() []started {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]started(nil), f.starts...)
}

// newTest returns a receiver and the buffer that it logs to.
func newTest(t testing.TB, starter Starter, change func(*Options)) (*Receiver, *logBuffer) {
	t.Helper()
	logs := &logBuffer{}
	o := Options{
		Starter:   starter,
		TaskQueue: "test-queue",
		Verifier:  delivery.Secrets{vectorSecret, oldSecret},
		Log:       slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:       func() time.Time { return receivedAt },
	}
	if change != nil {
		change(&o)
	}
	return New(o), logs
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// posted is a request as the platform sends it.
func posted(body string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, delivery.Path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(delivery.SignatureHeader, delivery.Sign(vectorSecret, []byte(body)))
	return req
}

func with(req *http.Request, key string, values ...string) *http.Request {
	req.Header.Del(key)
	for _, v := range values {
		req.Header.Add(key, v)
	}
	return req
}

func send(t testing.TB, r *Receiver, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := r.app.Test(req, int(patience.Milliseconds()))
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(body)
}

func withURL(req *http.Request, url string) *http.Request {
	req.URL, _ = req.URL.Parse(url)
	req.RequestURI = url
	return req
}

func gzipped(s string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}
