package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
)

// builtIn is the directory of the programs that build builds, once for all tests.
var builtIn string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "inorder-programs-")
	if err != nil {
		panic(err)
	}
	builtIn = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var building sync.Mutex

// build builds the program of a package, unless it is built already, and returns its path.
func build(t *testing.T, pkg string) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	program := filepath.Join(builtIn, filepath.Base(pkg))
	if _, err := os.Stat(program); err == nil {
		return program
	}
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, pkg).CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

const (
	always     = "RECEIVER_URL ADMIN_URL ADMIN_TOKEN DATABASE_URL TEMPORAL_ADDRESS TEMPORAL_NAMESPACE TEMPORAL_CONFIG_FILE TEMPORAL_UI_URL WEBHOOK_SECRETS POSTGRES_PID TEMPORAL_PID SERVE_PID"
	ofPlatform = "HEADLESS_COMMERCE_API_KEY HEADLESS_COMMERCE_API_URL STANDIN_URL STANDIN_PID"
)

// readEnv returns the variables that a shell reads from the file, or nil while it does not exist.
func readEnv(file string) map[string]string {
	out, err := exec.Command("/bin/sh", "-ec", `set -a; . "$1"; env`, "sh", file).Output()
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	env := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if strings.Contains("\n"+string(text), "\n"+name+"=") {
			env[name] = value
		}
	}
	return env
}

// system is a `dev run` on free ports.
type system struct {
	t     *testing.T
	dev   *exec.Cmd
	file  string       // path of the env file
	out   bytes.Buffer // read it only after the process has ended
	ended chan error
}

func runSystem(t *testing.T, inorder string, env ...string) *system {
	dir, err := os.MkdirTemp("", "inorder dev ")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	s := &system{t: t, file: filepath.Join(dir, "env"), ended: make(chan error, 1)}

	s.dev = exec.Command(build(t, "inorder/dev/cmd/dev"), "run", "-dir", dir, "-inorder", inorder, "-standin", build(t, "inorder/dev/cmd/standin"))
	s.dev.Env = append(append(os.Environ(), "LISTEN_ADDR="+freeAddress(t), "ADMIN_ADDR=127.0.0.1:0", "DATABASE_URL=", "PLATFORM=",
		"POSTGRES_PORT=0", "TEMPORAL_PORT=0", "TEMPORAL_UI_PORT=0", "WEBHOOK_SECRETS=it's-one"), env...)
	s.dev.Stdout, s.dev.Stderr = &s.out, &s.out
	require.NoError(t, s.dev.Start())
	go func() { s.ended <- s.dev.Wait() }()
	t.Cleanup(func() { _ = s.dev.Process.Kill() })
	require.Eventually(t, func() bool { return s.env() != nil || len(s.ended) > 0 }, testenv.Patience, 50*time.Millisecond)
	if len(s.ended) > 0 {
		t.Fatal(<-s.ended, s.out.String())
	}
	return s
}

func freeAddress(t *testing.T) string {
	port, err := stack.FreePort()
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func (s *system) env() map[string]string { return readEnv(s.file) }

func (s *system) pid(name string) int {
	pid, err := strconv.Atoi(s.env()[name])
	require.NoError(s.t, err, name)
	return pid
}

// kill kills a process, and returns when a new one has replaced it.
func (s *system) kill(name string) {
	pid := s.pid(name)
	require.NoError(s.t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(s.t, func() bool { now := s.env()[name]; return now != "" && now != strconv.Itoa(pid) },
		testenv.Patience, 50*time.Millisecond, "%s comes back", name)
}

// stop stops the system, and checks that none of the named processes is left.
func (s *system) stop(names ...string) {
	pids := map[string]int{}
	for _, name := range names {
		pids[name] = s.pid(name)
	}
	require.NoError(s.t, s.dev.Process.Signal(syscall.SIGTERM))
	require.NoError(s.t, <-s.ended, "it was asked to stop")
	require.NoFileExists(s.t, s.file)
	for name, pid := range pids {
		require.ErrorIs(s.t, syscall.Kill(pid, 0), syscall.ESRCH, "%s is gone", name)
	}
	require.Contains(s.t, s.out.String(), "Everything is stopped")
}

func TestRunTheWholeSystem(t *testing.T) {
	t.Parallel()
	s := runSystem(t, build(t, "inorder/cmd/inorder"))
	env := s.env()
	require.Len(t, env, len(strings.Fields(always)))
	require.Equal(t, "it's-one", env["WEBHOOK_SECRETS"])
	info, err := os.Stat(s.file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	for _, name := range []string{"SERVE_PID", "TEMPORAL_PID", "POSTGRES_PID"} {
		s.kill(name)
	}
	s.stop("SERVE_PID", "TEMPORAL_PID", "POSTGRES_PID")
	require.NotContains(t, s.out.String(), env["DATABASE_URL"])
}

func TestCommandsExitCode(t *testing.T) {
	t.Parallel()
	dev := exec.Command(build(t, "inorder/dev/cmd/dev"), "test", "--", "sh", "-c", `test -n "$INORDER_TEST_DATABASE_URL" && exit 7`)
	out, err := dev.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, 7, dev.ProcessState.ExitCode(), string(out))
}
