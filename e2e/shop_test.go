package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
)

const shopKey = "sk_test_e2ehushhush"

// shop is a system with a stand-in whose API a test can tamper with, and with a home directory of its own.
type shop struct {
	*system
	platform *standin.Server
	client   *platform.Client
	api      string

	mu       sync.Mutex
	printed  testenv.Output // by every command
	onCreate func(perform func())
}

func newShop(t *testing.T) *shop {
	s := &shop{system: newSystem(t)}
	s.platform, s.api = testenv.StandIn(t, standin.Options{Keys: []string{shopKey, "sk_live_e2ehushhush"}, RetryDelays: []time.Duration{
		100 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}}, s.front)
	s.client = testenv.Platform(t, s.api, shopKey)
	s.env = append(s.env, "HEADLESS_COMMERCE_API_KEY="+shopKey, "HEADLESS_COMMERCE_API_URL="+s.api, "RECEIVER_URL="+s.url,
		"TEMPORAL_UI_URL=http://ui.example.com", "XDG_CACHE_HOME="+t.TempDir(), "HOME="+t.TempDir(), "NGROK_AUTHTOKEN=")
	t.Cleanup(s.requireNothingSecret)
	return s
}

// front lets a test interfere with the creation of webhooks.
func (s *shop) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	s.mu.Lock()
	onCreate := s.onCreate
	s.mu.Unlock()
	if onCreate != nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/admin/webhooks") {
		// The request must be performed even if its sender is gone.
		onCreate(func() { next.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context()))) })
		return
	}
	next.ServeHTTP(w, r)
}

func (s *shop) setOnCreate(f func(perform func())) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onCreate = f
}

// do runs a command, requires the exit code, and returns the output.
func (s *shop) do(code int, args ...string) string {
	s.t.Helper()
	out, got := s.run(args...)
	s.print(out)
	require.Equal(s.t, code, got, out)
	return out
}

func (s *shop) print(out string) { _, _ = s.printed.Write([]byte(out)) }

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
	all := s.printed.String() + s.log()
	for _, h := range hidden {
		if strings.Contains(all, h) { // the message must not print which one, either
			s.t.Error("a key or secret was printed")
		}
	}
}

// webhooks returns the webhooks on the platform, by ID.
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

// hooksList is what `hooks list --json` prints.
type hooksList struct {
	Webhooks []struct {
		ID     string   `json:"id"`
		Ours   bool     `json:"ours"`
		Faults []string `json:"faults"`
	} `json:"webhooks"`
	Secrets []struct {
		Source   string     `json:"source"`
		EndsAt   *time.Time `json:"ends_at"`
		Verified *time.Time `json:"last_verified_at"`
	} `json:"secrets"`
}

// listedOnceVerified returns the list of both webhooks, once the secret of the first has verified a delivery.
func (s *shop) listedOnceVerified() (listed hooksList) {
	s.t.Helper()
	s.eventually("the new secret is seen to verify", func() bool {
		text := s.do(0, "hooks", "list", "--json")
		require.NoError(s.t, json.Unmarshal([]byte(text), &listed))
		require.Less(s.t, strings.Index(text, `"webhooks"`), strings.Index(text, `"secrets"`), "the first ID is a webhook's that is there")
		require.Len(s.t, listed.Webhooks, 2)
		for _, secret := range listed.Secrets {
			if secret.Source == listed.Webhooks[0].ID && secret.Verified != nil {
				return true
			}
		}
		return false
	})
	return listed
}

// registered returns the ID that `hooks register` printed.
func registered(t *testing.T, out string) string {
	id, _, found := strings.Cut(out[strings.LastIndex(out, "wh_"):], "\n")
	require.True(t, found || id != "", out)
	return strings.TrimSpace(id)
}

// listenForSilence asks the receiver and PostgreSQL all the time, until longest is called, which returns the longest time between two answers.
func (s *system) listenForSilence() (longest func() time.Duration) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var most time.Duration
	var all sync.WaitGroup
	all.Go(func() {
		last := time.Now()
		for ctx.Err() == nil {
			resp, err := http.Get(s.url + "/healthz")
			if err == nil {
				resp.Body.Close()
				_, err = s.pool.Exec(ctx, `SELECT 1`)
			}
			if most = max(most, time.Since(last)); err == nil {
				last = time.Now()
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	longest = func() time.Duration { cancel(); all.Wait(); return most }
	s.t.Cleanup(func() { longest() })
	return longest
}

// process is a command that runs until it is killed or stopped.
type process struct {
	*exec.Cmd
	s   *shop
	out testenv.Output
}

func (s *shop) begin(args ...string) *process {
	p := &process{Cmd: exec.Command(program, args...), s: s}
	p.Env, p.Stdout, p.Stderr = s.env, &p.out, &p.out
	require.NoError(s.t, p.Start())
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Log(p.out.String())
		}
	})
	return p
}

func (p *process) kill() {
	if p.ProcessState == nil {
		_ = p.Process.Kill()
		_ = p.Wait()
		p.s.print(p.out.String())
	}
}

func (p *process) awaits(text string) {
	p.s.t.Helper()
	p.s.eventually(fmt.Sprintf("it prints %q", text), func() bool { return strings.Contains(p.out.String(), text) })
}
