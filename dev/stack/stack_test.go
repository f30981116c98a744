package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// With this variable set, the test program starts a stack in the directory and waits until it is killed.
const envParentDir = "INORDER_TEST_PARENT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envParentDir); dir != "" {
		s, err := Start(context.Background(), Options{Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("started", s.Postgres.PID(), s.Temporal.PID(), s.DatabaseURL)
		select {}
	}
	os.Exit(m.Run())
}

// stateDir returns a directory that PostgreSQL's user can enter, too, unlike t.TempDir.
func stateDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "inorder test ")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711))
	return dir
}

func start(t *testing.T, o Options) *Stack {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	s, err := Start(ctx, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

func query(t *testing.T, url, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func startWorkflow(t *testing.T, address, namespace, id string) {
	t.Helper()
	c, err := dial(t.Context(), address, namespace)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "none"}, "none")
	require.NoError(t, err)
}

func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool { _, err := birthOf(pid); return err != nil }, 2*time.Minute, pollEvery)
}

func TestThrowAwayStack(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	require.Equal(t, "inorder", query(t, s.DatabaseURL, "SELECT current_database()"))
	startWorkflow(t, s.TemporalAddress, "default", "evt_1")

	dir := s.Postgres.Dir
	require.NoError(t, s.Stop())
	requireGone(t, s.Postgres.PID())
	requireGone(t, s.Temporal.PID())
	require.NoDirExists(t, dir)
	require.NoError(t, s.Stop(), "stopping twice")
}

func TestStateSurvives(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	check := func(s *Stack) {
		require.Equal(t, "kept", query(t, s.DatabaseURL, "SELECT what FROM state"))
		c, err := dial(t.Context(), s.TemporalAddress, "default")
		require.NoError(t, err)
		defer c.Close()
		_, err = c.DescribeWorkflow(t.Context(), "evt_kept", "")
		require.NoError(t, err)
	}
	s := start(t, Options{Dir: dir})
	conn, err := pgx.Connect(t.Context(), s.DatabaseURL)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE TABLE state (what text)")
	require.NoError(t, errors.Join(err, conn.Close(t.Context())))
	require.Equal(t, "kept", query(t, s.DatabaseURL, "INSERT INTO state VALUES ('kept') RETURNING what"))
	startWorkflow(t, s.TemporalAddress, "default", "evt_kept")

	t.Run("a crash of the servers", func(t *testing.T) {
		s.Postgres.Kill()
		s.Temporal.Kill()
		require.NoError(t, s.Postgres.Start(t.Context()))
		require.NoError(t, s.Temporal.Start(t.Context()))
		check(s)
	})
	require.NoError(t, s.Stop())
	s = start(t, Options{Dir: dir})
	t.Run("an ordinary restart", func(t *testing.T) { check(s) })
	t.Run("and is one's own", func(t *testing.T) {
		_, err := Start(t.Context(), Options{Dir: dir})
		require.ErrorContains(t, err, "in use by the stack of process "+strconv.Itoa(os.Getpid()))
	})
	require.NoError(t, s.Stop())
	require.NoError(t, Remove(dir))
	require.NoDirExists(t, dir)
	require.NoError(t, Remove(dir), "nothing is left")
}

func TestKilledParent(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	for range 2 { // the second parent starts on what the first one has left
		parent := exec.Command(os.Args[0])
		parent.Env = append(os.Environ(), envParentDir+"="+dir)
		out, err := parent.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, parent.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err, line)
		require.True(t, strings.HasPrefix(line, "started "), line)
		require.NoError(t, parent.Process.Kill())
		_ = parent.Wait()

		s := start(t, Options{Dir: dir})
		for _, field := range strings.Fields(line)[1:3] {
			pid, err := strconv.Atoi(field)
			require.NoError(t, err)
			requireGone(t, pid)
		}
		require.Equal(t, "1", query(t, s.DatabaseURL, "SELECT '1'"))
		require.NoError(t, s.Stop())
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", loopback+":0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port

	_, err = Start(t.Context(), Options{PostgresPort: port, Others: []Address{{l.Addr().String(), "the receiver", "LISTEN_ADDR"}}})
	require.ErrorContains(t, err, strconv.Itoa(port))
	require.ErrorContains(t, err, "PostgreSQL")
	require.ErrorContains(t, err, "POSTGRES_PORT")
	require.ErrorContains(t, err, "the receiver")
	require.ErrorContains(t, err, "LISTEN_ADDR")
}

func TestEarlyDeathShowsTheLog(t *testing.T) {
	t.Parallel()
	_, err := Launch(t.Context(), Command{
		Name: "broken", Dir: t.TempDir(), Path: "/bin/sh", Args: []string{"-c", "echo the reason; exit 3"},
		Ready: func(context.Context) error { return fmt.Errorf("not yet") },
	})
	require.ErrorContains(t, err, "broken exited during startup: exit status 3")
	require.ErrorContains(t, err, "the reason")
}

func TestStopKillsWhoDoesNotListen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	deaf := filepath.Join(dir, "deaf")
	s, err := Launch(t.Context(), Command{
		Name: "deaf", Dir: dir, Path: "/bin/sh", Args: []string{"-c", `trap "" TERM; touch "$1"; while :; do sleep 1; done`, "sh", deaf},
		Ready: func(context.Context) error { _, err := os.Stat(deaf); return err },
		Grace: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	require.ErrorContains(t, s.Stop(), "did not stop within 100ms and was killed")
	requireGone(t, s.PID())
}

func TestLeftovers(t *testing.T) {
	sleeper := func() *exec.Cmd {
		cmd := exec.Command("sleep", "60")
		require.NoError(t, cmd.Start())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = cmd.Wait() }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		return cmd
	}
	dir, ours, another := t.TempDir(), sleeper(), sleeper()
	require.NoError(t, writePIDFile(filepath.Join(dir, "ours.pid"), ours.Process.Pid, 15))
	reused := fmt.Appendf(nil, "%d 15 another-boot/1", another.Process.Pid)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "another.pid"), reused, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty.pid"), nil, 0o600))

	require.NoError(t, stopLeftovers(dir))
	requireGone(t, ours.Process.Pid)
	_, err := birthOf(another.Process.Pid)
	require.NoError(t, err, "a process that only has the number of ours was stopped")
	left, err := filepath.Glob(filepath.Join(dir, "*.pid"))
	require.NoError(t, err)
	require.Empty(t, left)
}
