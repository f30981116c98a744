package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/devstack"
)

// build makes the program of a package in a directory that goes with the test.
func build(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg))
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, pkg).CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// readEnv is the file as a shell understands it, nil while there is none.
func readEnv(file string) map[string]string {
	names := "RECEIVER_URL ADMIN_URL ADMIN_TOKEN DATABASE_URL TEMPORAL_ADDRESS TEMPORAL_UI_URL WEBHOOK_SECRETS POSTGRES_PID TEMPORAL_PID SERVE_PID"
	out, err := exec.Command("/bin/sh", "-ec", `set -a; . "$1"; env`, "sh", file).Output()
	if err != nil {
		return nil
	}
	env := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if strings.Contains(" "+names+" ", " "+name+" ") {
			env[name] = value
		}
	}
	return env
}

func TestRunTheWholeSystem(t *testing.T) {
	port, err := devstack.FreePort()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "inorder dev ")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	file := filepath.Join(dir, "env")

	var out bytes.Buffer
	dev := exec.Command(build(t, "inorder/cmd/dev"), "run", "-dir", dir, "-inorder", build(t, "inorder/cmd/inorder"))
	dev.Env = append(os.Environ(), fmt.Sprintf("LISTEN_ADDR=127.0.0.1:%d", port), "ADMIN_ADDR=127.0.0.1:0", "DATABASE_URL=",
		"POSTGRES_PORT=0", "TEMPORAL_PORT=0", "TEMPORAL_UI_PORT=0", "WEBHOOK_SECRETS=it's one")
	dev.Stdout, dev.Stderr = &out, &out
	require.NoError(t, dev.Start())
	ended := make(chan error, 1)
	go func() { ended <- dev.Wait() }()
	t.Cleanup(func() { _ = dev.Process.Kill() })

	var env map[string]string
	running := func() bool { env = readEnv(file); return env != nil || len(ended) > 0 }
	require.Eventually(t, running, 2*time.Minute, 50*time.Millisecond)
	if len(ended) > 0 {
		t.Fatal(<-ended, out.String())
	}
	require.Len(t, env, 10)
	require.Equal(t, "it's one", env["WEBHOOK_SECRETS"])
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	for _, name := range []string{"SERVE_PID", "TEMPORAL_PID", "POSTGRES_PID"} {
		pid, err := strconv.Atoi(env[name])
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		require.Eventually(t, func() bool { now := readEnv(file); return now[name] != "" && now[name] != env[name] },
			time.Minute, 50*time.Millisecond, "%s comes back", name)
	}
	env = readEnv(file)

	require.NoError(t, dev.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-ended, "a wished stop")
	require.NoFileExists(t, file)
	for _, name := range []string{"SERVE_PID", "TEMPORAL_PID", "POSTGRES_PID"} {
		pid, err := strconv.Atoi(env[name])
		require.NoError(t, err)
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "%s is gone", name)
	}
	require.Contains(t, out.String(), "Everything is stopped")
	require.NotContains(t, out.String(), env["DATABASE_URL"])
}

func TestCommandsExitCode(t *testing.T) {
	dev := exec.Command(build(t, "inorder/cmd/dev"), "test", "--", "sh", "-c", `test -n "$INORDER_TEST_DATABASE_URL" && exit 7`)
	out, err := dev.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, 7, dev.ProcessState.ExitCode(), string(out))
}
