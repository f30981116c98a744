package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// program runs inorder in this process, and returns what it printed and its exit code.
func program(ctx context.Context, args ...string) (out, errs string, code int) {
	var o, e testenv.Output // a last log line may be written after the command has ended
	code = run(ctx, args, streams{in: strings.NewReader(""), out: &o, err: &e})
	return o.String(), e.String(), code
}

// files returns a directory, and a function that writes a private file into it and returns its path.
func files(t *testing.T) (dir string, write func(name, text string) string) {
	dir = t.TempDir()
	return dir, func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
}

// clean sets an environment that does not depend on who runs the tests.
func clean(t *testing.T, pairs ...string) {
	t.Helper()
	for _, name := range []string{"WEBHOOK_SECRETS", "DATABASE_URL", "RECEIVER_URL", "LISTEN_ADDR", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE",
		"WEBHOOK_SECRETS_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("ADMIN_ADDR", "127.0.0.1:0")
	t.Setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

func TestHelpNamesWhatEachCommandNeeds(t *testing.T) {
	for command, names := range map[string][]string{
		"serve":    {"Needs DATABASE_URL", "Without WEBHOOK_SECRETS", "inorder migrate", "OTEL_EXPORTER_OTLP_ENDPOINT", "Example"},
		"receiver": {"Needs WEBHOOK_SECRETS, WEBHOOK_SECRETS_FILE or DATABASE_URL", "LISTEN_ADDR", "ADMIN_ADDR", "MAX_BODY_BYTES", "TEMPORAL_ADDRESS", "Example"},
		"worker":   {"Needs DATABASE_URL", "ADMIN_ADDR", "EVENT_RETENTION", "STUCK_AFTER", "TEMPORAL_ADDRESS", "Example"},
		"migrate":  {"Needs DATABASE_URL", "--wait", "several may run at once", "Example"},
		"send":     {"Needs WEBHOOK_SECRETS", "RECEIVER_URL", "--story", "--bad-signature", "Examples"},
	} {
		out, errs, code := program(t.Context(), command, "--help")
		require.Zero(t, code, errs)
		text := strings.Join(strings.Fields(out), " ") // lines are wrapped
		for _, name := range names {
			require.Contains(t, text, name, command)
		}
		overview, _, _ := program(t.Context(), "--help")
		require.Contains(t, overview, "\n  "+command+" ")
	}
}

func TestVersion(t *testing.T) {
	out, _, code := program(t.Context(), "--version")
	require.Zero(t, code)
	require.NotEmpty(t, strings.TrimSpace(out))
}

func TestAWrongCommandLineIsExitCode2(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", "whsec_test")
	for _, line := range []string{
		"sned", "hooks lst", "help sned", "completion tcsh", "send", "send --story nothing", "send order.paid --story refunds", "send order.paid --at soon", "send order.paid --data status",
		"send --file x.json --order order_1", "send order.paid --repeat 0", "send order.paid --concurrency 1000", "send --story refunds --repeat 2",
		"migrate --wait soon", "serve --port 80",
	} {
		_, errs, code := program(t.Context(), strings.Fields(line)...)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, "inorder: ", line)
	}
}

func TestAWrongEnvironmentIsExitCode2(t *testing.T) {
	clean(t, "STUCK_AFTER", "soon")
	for _, command := range []string{"serve", "receiver", "worker", "migrate", "send order.paid"} {
		_, errs, code := program(t.Context(), strings.Fields(command)...)
		require.Equal(t, exitUsage, code, command)
		require.Contains(t, errs, "STUCK_AFTER", command)
	}
}

func TestMigrateGivesUpAfterItsWait(t *testing.T) {
	clean(t, "DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x")
	_, errs, code := program(t.Context(), "migrate", "--wait", "3s") // a stalled machine still ends its first try within that
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "PostgreSQL at 127.0.0.1:1, database \\\"x\\\", is not ready; trying again")
	require.Contains(t, errs, "inorder: PostgreSQL at 127.0.0.1:1, database \"x\", is not ready after")
	require.NotContains(t, errs, "hunter2")
}

func TestAWishedStopIsExitCode0(t *testing.T) {
	clean(t, "DATABASE_URL", "postgres://u@127.0.0.1:1/x", "WEBHOOK_SECRETS", "whsec_test", "LISTEN_ADDR", "127.0.0.1:0", "TEMPORAL_ADDRESS", "127.0.0.1:1")
	for _, command := range []string{"serve", "receiver", "worker"} {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan int)
		go func() {
			_, _, code := program(ctx, command)
			done <- code
		}()
		stop() // even before it has begun
		require.Zero(t, <-done, command)
	}
}
