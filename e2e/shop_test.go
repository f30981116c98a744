package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
)

const shopKey = "sk_test_e2ehushhush"

// shop is a system with a platform: a stand-in whose API can be tampered with, and a machine to listen on.
type shop struct {
	*system
	platform *standin.Server
	client   *platform.Client
	api      string

	mu       sync.Mutex
	printed  bytes.Buffer // by every command
	onCreate func(perform func())
}

func newShop(t *testing.T) *shop {
	s := &shop{system: newSystem(t), platform: standin.New(standin.Options{Keys: []string{shopKey, "sk_live_e2ehushhush"}, RetryDelays: []time.Duration{
		100 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}})}
	t.Cleanup(s.platform.Close)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.api = server.URL + "/v1"
	client, err := platform.New(platform.Options{APIKey: shopKey, BaseURL: s.api})
	require.NoError(t, err)
	s.client = client
	s.env = append(s.env, "HEADLESS_COMMERCE_API_KEY="+shopKey, "HEADLESS_COMMERCE_API_URL="+s.api, "RECEIVER_URL="+s.url,
		"TEMPORAL_UI_URL=http://ui.example.com", "XDG_CACHE_HOME="+t.TempDir(), "HOME="+t.TempDir(), "NGROK_AUTHTOKEN=")
	t.Cleanup(s.requireNothingSecret)
	return s
}

// ServeHTTP lets a test have its way with what is created.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	onCreate := s.onCreate
	s.mu.Unlock()
	if onCreate != nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/admin/webhooks") {
		// The request must survive its sender.
		onCreate(func() { s.platform.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context()))) })
		return
	}
	s.platform.ServeHTTP(w, r)
}

func (s *shop) setOnCreate(f func(perform func())) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onCreate = f
}

// do runs a command to its end, which must be that exit code.
func (s *shop) do(code int, args ...string) string {
	s.t.Helper()
	out, got := s.run(args...)
	s.print(out)
	require.Equal(s.t, code, got, out)
	return out
}

func (s *shop) print(out string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.printed.WriteString(out)
}

func (s *shop) requireNothingSecret() {
	rows, err := s.pool.Query(context.Background(), `SELECT secret FROM webhook_secrets WHERE secret IS NOT NULL`)
	require.NoError(s.t, err)
	hidden := []string{"hushhush", secret}
	for rows.Next() {
		var kept string
		require.NoError(s.t, rows.Scan(&kept))
		hidden = append(hidden, kept)
	}
	require.NoError(s.t, rows.Err())
	s.mu.Lock()
	all := s.printed.String() + s.log()
	s.mu.Unlock()
	for _, h := range hidden {
		if strings.Contains(all, h) { // which it is, is not printed either
			s.t.Error("a key or secret was printed")
		}
	}
}

// webhooks gives those on the platform, by ID.
func (s *shop) webhooks() map[string]platform.Webhook {
	found := map[string]platform.Webhook{}
	for w, err := range s.client.Webhooks(context.Background()) {
		require.NoError(s.t, err)
		found[w.ID] = w
	}
	return found
}

func (s *shop) create(url string, tag webhooks.Tag) string {
	inactive := false
	w, err := s.client.CreateWebhook(context.Background(), platform.NewWebhook{URL: url, Events: []string{"*"}, IsActive: &inactive, Metadata: tag.Metadata()})
	require.NoError(s.t, err)
	return w.ID
}

// registered gives the ID that `hooks register` printed.
func registered(t *testing.T, out string) string {
	id, _, found := strings.Cut(out[strings.LastIndex(out, "wh_"):], "\n")
	require.True(t, found || id != "", out)
	return strings.TrimSpace(id)
}

// process is a command that runs until it is ended.
type process struct {
	*exec.Cmd
	s   *shop
	mu  sync.Mutex
	out bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func (s *shop) begin(args ...string) *process {
	p := &process{Cmd: exec.Command(program, args...), s: s}
	p.Env, p.Stdout, p.Stderr = s.env, p, p
	require.NoError(s.t, p.Start())
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Log(p.printed())
		}
	})
	return p
}

func (p *process) kill() {
	if p.ProcessState == nil {
		_ = p.Process.Kill()
		_ = p.Wait()
		p.s.print(p.printed())
	}
}

func (p *process) awaits(text string) {
	p.s.t.Helper()
	p.s.eventually(60*time.Second, fmt.Sprintf("it prints %q", text), func() bool { return strings.Contains(p.printed(), text) })
}
