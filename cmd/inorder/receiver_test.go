package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

func TestReceiverNeedsASourceOfSecrets(t *testing.T) {
	clean(t)
	_, errs, code := program(t.Context(), "receiver")
	require.Equal(t, exitUsage, code)
	for _, name := range []string{"WEBHOOK_SECRETS:", "WEBHOOK_SECRETS_FILE", "DATABASE_URL", "inorder hooks register"} {
		require.Contains(t, errs, name)
	}
}

func TestAFileOfSecretsThatOthersMayReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.WriteFile(path, []byte("whsec_hush\n"), 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	clean(t, "WEBHOOK_SECRETS_FILE", path, "LISTEN_ADDR", "127.0.0.1:0", "TEMPORAL_ADDRESS", "127.0.0.1:1")
	_, errs, code := program(t.Context(), "receiver")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "\ninorder: WEBHOOK_SECRETS_FILE: ")
	require.Contains(t, errs, path+" is readable or writable by too many users (mode 644): run chmod 6")
	require.NotContains(t, errs, "hush")
}

func TestServeWithoutASecretStartsAndSaysWhatIsMissing(t *testing.T) {
	clean(t, "DATABASE_URL", "postgres://u@127.0.0.1:1/x", "LISTEN_ADDR", "127.0.0.1:0", "TEMPORAL_ADDRESS", "127.0.0.1:1")
	ctx, stop := context.WithCancel(t.Context())
	var logs testenv.Output
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve"}, streams{in: strings.NewReader(""), out: &logs, err: &logs})
	}()
	require.Eventually(t, func() bool { return strings.Contains(logs.String(), "receiver listens") }, testenv.Patience, 20*time.Millisecond)
	require.Contains(t, logs.String(), "every delivery is refused until `inorder hooks register`")
	stop()
	require.Zero(t, <-done)
}

func TestATakenAdminAddressIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	clean(t, "DATABASE_URL", "postgres://u@127.0.0.1:1/x", "WEBHOOK_SECRETS", "whsec_test", "LISTEN_ADDR", "127.0.0.1:0", "TEMPORAL_ADDRESS", "127.0.0.1:1",
		"ADMIN_ADDR", l.Addr().String())
	for _, command := range []string{"serve", "receiver", "worker"} {
		_, errs, code := program(t.Context(), command)
		require.Equal(t, exitError, code, command)
		require.Contains(t, errs, "set ADMIN_ADDR", command)
		require.NotContains(t, errs, "receiver listens", command)
	}
}
