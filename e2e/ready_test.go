package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
)

// readyz returns the answer of /readyz at a process's ADMIN_ADDR, with status 0 while nobody listens there.
func readyz(t *testing.T, admin string) (status int, body string) {
	t.Helper()
	response, err := http.Get("http://" + admin + "/readyz")
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// TestAWorkerSaysWhetherItsServersAnswer starts a worker with both servers cut off, and connects them one after the other.
func TestAWorkerSaysWhetherItsServersAnswer(t *testing.T) {
	port, err := stack.FreePort()
	require.NoError(t, err)
	admin := fmt.Sprintf("127.0.0.1:%d", port)
	s := newSystem(t, "ADMIN_ADDR="+admin, "ADMIN_TOKEN=canary-admin-token")
	postgres, temporal := s.throughProxy(), newOutage(t, os.Getenv(testenv.TemporalVariable))
	s.env = append(s.env, "TEMPORAL_ADDRESS="+temporal.Addr())
	s.start("worker")

	s.eventually("it says that both are away", func() bool {
		status, body := readyz(t, admin)
		return status == 503 && strings.Count(body, "failing") == 2
	})
	alive, err := http.Get("http://" + admin + "/healthz")
	require.NoError(t, err)
	alive.Body.Close()
	require.Equal(t, 200, alive.StatusCode, "it lives all the same")
	require.NotContains(t, s.log(), "canary")

	postgres.connect()
	s.eventually("it says that one is away", func() bool {
		status, body := readyz(t, admin)
		return status == 503 && strings.Contains(body, `"postgres":{"state":"ok","required":true}`) &&
			strings.Contains(body, `"temporal":{"state":"failing","required":true}`)
	})
	temporal.connect()
	s.eventually("it says that all is well", func() bool { status, _ := readyz(t, admin); return status == 200 })
	postgres.cut()
	s.eventually("and when one is lost", func() bool { status, _ := readyz(t, admin); return status == 503 })
}

// TestOnlyWhoHasAKeyIsExpectedToReconcile checks what the alert about overdue reconciliation relies on.
func TestOnlyWhoHasAKeyIsExpectedToReconcile(t *testing.T) {
	for key, expected := range map[string]bool{"": false, "sk_test_e2ehushhush": true} {
		port, err := stack.FreePort()
		require.NoError(t, err)
		admin := fmt.Sprintf("127.0.0.1:%d", port)
		s := newSystem(t, "ADMIN_ADDR="+admin, "HEADLESS_COMMERCE_API_KEY="+key, "HEADLESS_COMMERCE_API_URL=http://127.0.0.1:1")
		s.start("worker")
		// Waiting for readiness is not enough: the program answers before the worker and its metrics exist.
		s.eventually("the worker runs", func() bool { return strings.Contains(s.log(), "Started Worker") })
		shown := func() bool {
			response, err := http.Get("http://" + admin + "/metrics")
			if err != nil {
				return false
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			return err == nil && strings.Contains(string(text), "\ninorder_reconcile_last_success_timestamp_seconds 0\n")
		}
		if expected {
			s.eventually("it is expected", shown)
		}
		require.Equal(t, expected, shown())
	}
}
