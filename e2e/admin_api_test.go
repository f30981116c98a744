package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/internal/api"
)

const canaryToken = "canary-admin-token"

// withAdmin returns a system whose admin API has a known address, and a client of that API.
func withAdmin(t *testing.T, env ...string) (*system, *api.Client) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	s := newSystem(t, append([]string{"ADMIN_ADDR=" + addr, "ADMIN_TOKEN=" + canaryToken, "TEMPORAL_UI_URL=http://ui.example.com"}, env...)...)
	return s, &api.Client{URL: "http://" + addr, Token: canaryToken}
}

// curl sends a request that api.Client would never send, and returns the status and body of the answer.
func curl(t *testing.T, method, url, body string, headers ...string) (int, string) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+canaryToken)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

var nullLists = regexp.MustCompile(`"(data|problems|actions|timeline|first|failures|aspects|parts|refunds|traffic|failing_tasks|states|outcomes|dependencies)":null`)

// TestNothingThatIsSecretIsLogged sends valid and invalid requests of all kinds, with logging at level debug.
func TestNothingThatIsSecretIsLogged(t *testing.T) {
	s, c := withAdmin(t, "LOG_LEVEL=debug")
	s.serve()
	event := func(id, note string) string {
		return fmt.Sprintf(`{"id":%q,"type":"order.paid","created_at":%q,"data":{"id":"order_none","note":%q}}`, id, time.Now().UTC().Format(time.RFC3339), note)
	}
	s.deliver([]byte(event("evt_1", "canary-payload")))
	s.eventually("it waits", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 1 })

	for _, target := range []string{api.StatusPath, api.OrdersPath, "/api/orders?q=canary-q", "/api/orders/canary-order", "/api/orders/order_none/timeline", "/api/orders/order_none/blocked",
		api.EventsPath, "/api/events?order_id=canary-order", "/api/events/evt_1", "/api/events/canary-event", "/api/bulk/canary-bulk", "/api/audit?actor=canary-actor", "/api/events?canary=canary", "/api/canary"} {
		_, text := curl(t, "GET", c.URL+target, "")
		require.NotRegexp(t, nullLists, text, target)
		_, _ = curl(t, "GET", c.URL+target, "", "Authorization", "Bearer canary-wrong-token")
	}
	for _, body := range []string{"", `{"canary":`, `{"canary":1}`, `{"reason":"canary-reason","body":` + event("evt_1", "canary-amended") + `}`, `{"reason":"canary-reason","body":{"id":"canary"}}`,
		`{"action":"retry","filter":{"type":"canary-type"},"reason":"canary-reason"}`, `{"action":"retry","filter":{"state":"waiting"},"dry_run":true}`} {
		for _, target := range []string{"/api/events/evt_1/amend", "/api/events/evt_1/replay", "/api/events/evt_1/retry", "/api/bulk"} {
			_, text := curl(t, "POST", c.URL+target, body, api.IdempotencyHeader, "canary-key"+fmt.Sprint(len(body), len(target)))
			require.NotRegexp(t, nullLists, text, target)
			require.NotContains(t, text, "canary-payload")
			require.NotContains(t, text, "canary-amended")
			require.NotContains(t, text, canaryToken)
		}
	}
	done, err := c.Discard(t.Context(), "evt_1", "canary-reason")
	require.NoError(t, err)
	require.Equal(t, "discarded", done.Outcome)
	require.Equal(t, "discarded", s.outcome("evt_1"))

	audit, err := c.Audit(t.Context(), api.AuditQuery{EventID: "evt_1"})
	require.NoError(t, err)
	require.Equal(t, "admin", audit.Data[0].Actor)
	kept, err := json.Marshal(audit)
	require.NoError(t, err)
	require.NotRegexp(t, "canary-(payload|amended|key|admin)", string(kept))
	_, metrics := curl(t, "GET", c.URL+"/metrics", "")
	require.Contains(t, metrics, "go_goroutines")
	require.NotContains(t, metrics, "canary")
	require.Zero(t, s.count(`SELECT count(*) FROM idempotency_keys k WHERE k::text ~ 'canary-(payload|amended|admin)'`))
	require.NotContains(t, s.log(), "canary")
}

// TestAnActIsDoneOnceThoughItsProcessIsKilled kills the process after it has acted and before it has stored its answer.
func TestAnActIsDoneOnceThoughItsProcessIsKilled(t *testing.T) {
	s, c := withAdmin(t)
	serve := s.serve()
	s.deliver(fmt.Appendf(nil, `{"id":"evt_1","type":"order.paid","created_at":%q,"data":{"id":"order_none"}}`, time.Now().UTC().Format(time.RFC3339)))
	s.eventually("it waits", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 1 })
	discard := func() (int, string) {
		return curl(t, "POST", c.URL+"/api/events/evt_1/discard", `{"reason":"spam"}`, api.IdempotencyHeader, "once")
	}
	status, text := discard()
	require.Equal(t, 200, status, text)
	// The row is as if the process had been killed between acting and storing its answer.
	_, err := s.pool.Exec(t.Context(), `UPDATE idempotency_keys SET status = NULL, response = NULL, lease_until = now()`)
	require.NoError(t, err)
	require.NoError(t, serve.Process.Kill())
	_ = serve.Wait()
	s.serve()
	status, text = discard()
	require.Equal(t, 200, status, text)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM audit_log WHERE event_id = 'evt_1'`))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM webhook_events WHERE event_id = 'evt_1' AND outcome = 'discarded'`))
}

func TestAReceiverWithoutADatabaseTellsWhatItKnows(t *testing.T) {
	s, c := withAdmin(t)
	s.env = append(s.env, "DATABASE_URL=")
	s.start("receiver")
	s.awaitReady()
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	require.False(t, status.OK)
	require.NotEmpty(t, status.Missing)
	_, err = c.Retry(t.Context(), "evt_1", "")
	require.ErrorContains(t, err, "DATABASE_URL")
	_, err = c.Orders(t.Context(), api.OrdersQuery{})
	require.ErrorContains(t, err, "postgres")
}

func TestAMalformedFileOfTokensIsAnErrorOfTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte("anna canary-1\nbert\n"), 0o600))
	s, _ := withAdmin(t, "ADMIN_TOKENS_FILE="+file)
	for _, command := range []string{"serve", "worker", "receiver"} {
		out, code := s.run(command)
		require.Equal(t, 2, code, out)
		require.Contains(t, out, "ADMIN_TOKENS_FILE: line 2 of "+file)
		require.NotContains(t, out, "canary")
	}
}
