package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// registering returns an inorder whose `hooks` commands only record their arguments in the file calls and exit with exit.
func registering(t *testing.T, exit string) (program, calls string) {
	dir := t.TempDir()
	program, calls = filepath.Join(dir, "inorder"), filepath.Join(dir, "calls")
	script := "#!/bin/sh\nif [ \"$1\" = hooks ]; then echo \"$* $HEADLESS_COMMERCE_API_URL $HEADLESS_COMMERCE_API_KEY\" >>'" + calls + "'; exit " + exit + "; fi\n" +
		"exec '" + build(t, "inorder/cmd/inorder") + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	return program, calls
}

func TestRunWithTheStandIn(t *testing.T) {
	t.Parallel()
	program, calls := registering(t, "0")
	addr := freeAddress(t)
	s := runSystem(t, program, "PLATFORM=stand-in", "STANDIN_ADDR="+addr, "HEADLESS_COMMERCE_API_KEY=sk_live_real", "HEADLESS_COMMERCE_API_URL=https://real.example.com/v1")
	env := s.env()
	for _, name := range strings.Fields(always + " " + ofPlatform) {
		require.NotEmpty(t, env[name], name)
	}
	require.Equal(t, "http://"+addr, env["STANDIN_URL"])
	require.Equal(t, "http://"+addr+"/v1", env["HEADLESS_COMMERCE_API_URL"])
	require.Equal(t, "sk_test_standin", env["HEADLESS_COMMERCE_API_KEY"], "and not the real one")

	call := "hooks register " + env["RECEIVER_URL"] + "/webhooks/hc http://" + addr + "/v1 sk_test_standin\n"
	text, err := os.ReadFile(calls)
	require.NoError(t, err)
	require.Equal(t, call, string(text))

	conn, err := pgx.Connect(t.Context(), env["DATABASE_URL"])
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for _, id := range []string{"wh_standin1_1", "wh_other"} {
		_, err = conn.Exec(t.Context(), `INSERT INTO webhook_endpoints (id, url, events, mode, is_active) VALUES ($1, 'https://a.example.com', '{*}', 'test', true)`, id)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), `INSERT INTO webhook_secrets (name, secret, source, endpoint_id) VALUES ($1, $1, $1, $1)`, id)
		require.NoError(t, err)
	}
	s.kill("STANDIN_PID")
	text, err = os.ReadFile(calls)
	require.NoError(t, err)
	require.Equal(t, call+call, string(text), "it has forgotten everything")
	var left string
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT string_agg(id, ' ') || ', ' || (SELECT string_agg(name, ' ') FROM webhook_secrets) FROM webhook_endpoints`).Scan(&left))
	require.Equal(t, "wh_other, wh_other", left, "we forget what was registered there, and only that")
	s.stop("STANDIN_PID", "SERVE_PID")
	require.Contains(t, s.out.String(), "bin/standin place")
}

func TestARegistrationThatFailsIsTold(t *testing.T) {
	t.Parallel()
	program, _ := registering(t, "2")
	s := runSystem(t, program, "PLATFORM=stand-in", "STANDIN_ADDR="+freeAddress(t))
	s.stop("STANDIN_PID", "SERVE_PID")
	require.Contains(t, s.out.String(), "the stand-in delivers nothing")
	require.Contains(t, s.out.String(), "bin/inorder hooks register http://")
}

func TestAPortThatTheStandInCannotHaveIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	program := build(t, "inorder/dev/cmd/standin")
	dev := exec.Command(build(t, "inorder/dev/cmd/dev"), "run", "-dir", t.TempDir(), "-inorder", program, "-standin", program)
	dev.Env = append(os.Environ(), "PLATFORM=stand-in", "STANDIN_ADDR="+taken.Addr().String(), "LISTEN_ADDR="+freeAddress(t), "ADMIN_ADDR=127.0.0.1:0",
		"DATABASE_URL=", "POSTGRES_PORT=0", "TEMPORAL_PORT=0", "TEMPORAL_UI_PORT=0")
	out, err := dev.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "the stand-in can't listen on its port")
	require.Contains(t, string(out), "choose another with STANDIN_ADDR")
}

// TestAnOrderThatIsPlacedThereArrives does what docs/development.md describes for developers without an account.
func TestAnOrderThatIsPlacedThereArrives(t *testing.T) {
	t.Parallel()
	s := runSystem(t, build(t, "inorder/cmd/inorder"), "PLATFORM=stand-in", "STANDIN_ADDR="+freeAddress(t))
	env := s.env()
	place := exec.Command(build(t, "inorder/dev/cmd/standin"), "place", "--do", "pay,ship")
	place.Env = append(os.Environ(), "STANDIN_URL="+env["STANDIN_URL"])
	out, err := place.CombinedOutput()
	require.NoError(t, err, string(out))

	conn, err := pgx.Connect(t.Context(), env["DATABASE_URL"])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var order string
	require.Eventually(t, func() bool {
		_ = conn.QueryRow(t.Context(), `SELECT concat_ws(' ', status, payment_status, fulfillment_status) FROM orders`).Scan(&order)
		return order == "confirmed paid fulfilled"
	}, testenv.Patience, 50*time.Millisecond)
	s.stop("STANDIN_PID", "SERVE_PID")
}
