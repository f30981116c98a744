package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/internal/config"
	"inorder/internal/delivery"
	"inorder/internal/platform"
	"inorder/internal/ready"
	"inorder/internal/webhooks"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestSecretsAndProbesDoNotWaitForEvents(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	url := testenv.MigratedURL(t)
	pool := testenv.Pool(t, url)
	clean(t, "DATABASE_URL", withMaxConns(url, 3), "LISTEN_ADDR", addr, "TEMPORAL_ADDRESS", "127.0.0.1:1")
	s, err := open(t.Context(), config.NeedDatabase, io.Discard)
	require.NoError(t, err)
	t.Cleanup(s.close)
	for range 3 { // as events do that wait for locks
		conn, err := s.pool.Acquire(t.Context())
		require.NoError(t, err)
		t.Cleanup(conn.Release)
	}
	go s.receive(t.Context())
	base := "http://" + addr
	require.Eventually(t, func() bool { return strings.Contains(get(base+ready.Path), `"postgres":{"state":"ok"`) }, testenv.Patience, 50*time.Millisecond)

	require.NoError(t, webhooks.Store{Pool: pool}.Add(t.Context(), webhooks.Record{ID: "wh_1", URL: base, Mode: platform.Test, Events: []string{"*"}}, "whsec_new"))
	require.Eventually(t, func() bool { return post(base, "whsec_new") == http.StatusBadRequest }, testenv.Patience, 50*time.Millisecond, "a new secret is known")
	require.Equal(t, http.StatusUnauthorized, post(base, "whsec_other"))
	require.Equal(t, int32(3), s.pool.Stat().AcquiredConns())
}

func withMaxConns(url string, n int) string {
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return fmt.Sprintf("%s%spool_max_conns=%d", url, separator, n)
}

func get(url string) string {
	r, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return string(body)
}

// post delivers a signed body that is no event.
func post(base, secret string) int {
	body := `{}`
	r, err := http.NewRequest(http.MethodPost, base+delivery.Path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, []byte(body)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
