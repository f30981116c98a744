// Package browser tests what operators see and do in Temporal's UI, in a real browser; `make browser` runs it. It is a module of its
// own, because nothing else needs a browser.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
)

var (
	program string // bin/inorder, built once for all tests
	servers *stack.Stack
	temp    string // a temporary directory
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	stack.ClearEnvironment()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // on a fresh machine, everything must be built first
	defer cancel()
	root, err := stack.Root()
	check(err)
	temp, err = os.MkdirTemp("", "inorder-browser-")
	check(err)
	defer os.RemoveAll(temp)
	program = filepath.Join(temp, "inorder")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/inorder")
	build.Dir = root
	out, err := build.CombinedOutput()
	check(err, string(out))
	servers, err = stack.Start(ctx, stack.Options{Root: root, Out: os.Stderr})
	check(err)
	check(errors.Join(os.Setenv(testenv.DatabaseVariable, servers.SuperuserURL), os.Setenv(testenv.TemporalVariable, servers.TemporalAddress)))
	defer servers.Stop()
	return m.Run()
}

func check(err error, more ...string) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err, strings.Join(more, "\n"))
		os.Exit(1)
	}
}

const token = "token_browser"

// system is one inorder with its own database and namespace, because tests rename tables, and lists show a whole namespace.
type system struct {
	*testing.T
	end       time.Time // when the test times out
	env       []string
	database  string // its URL
	namespace string
	adminURL  string
}

// serve starts `inorder serve` with short waiting times. It runs until the test ends.
func serve(t *testing.T, env ...string) *system {
	port, adminPort := freePort(t), freePort(t)
	s := &system{T: t, end: time.Now().Add(limit), database: testenv.DatabaseURL(t), namespace: namespace(t), adminURL: "http://127.0.0.1:" + adminPort}
	s.env = append(os.Environ(), "DATABASE_URL="+s.database, "TEMPORAL_ADDRESS="+servers.TemporalAddress, "TEMPORAL_NAMESPACE="+s.namespace, "WEBHOOK_SECRETS=whsec_browser",
		"LISTEN_ADDR=127.0.0.1:"+port, "RECEIVER_URL=http://127.0.0.1:"+port, "ADMIN_ADDR=127.0.0.1:"+adminPort, "ADMIN_URL="+s.adminURL, "ADMIN_TOKEN="+token,
		"TEMPORAL_UI_URL="+servers.TemporalUIURL, "STUCK_AFTER=5s", "PENDING_RECHECK=2s", "INBOX=workflow")
	s.env = append(s.env, env...)
	s.run("migrate")
	process, err := stack.Launch(t.Context(), stack.Command{Name: "serve", Dir: t.TempDir(), Path: program, Args: []string{"serve"}, Env: s.env,
		Ready: func(ctx context.Context) error { return ready(ctx, "http://127.0.0.1:"+port+"/readyz") }})
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(process.LogFile())
			t.Logf("%s", log)
		}
		_ = process.Stop()
	})
	return s
}

// namespace returns a new namespace. For pictures it is the default one; those tests run one at a time.
func namespace(t *testing.T) string {
	if *pictures != "" {
		return "default"
	}
	return testenv.Namespace(t)
}

func freePort(t *testing.T) string {
	port, err := stack.FreePort()
	require.NoError(t, err)
	return strconv.Itoa(port)
}

func ready(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// run runs a command of inorder, which must succeed.
func (s *system) run(args ...string) {
	s.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	require.NoError(s, err, "inorder %s: %s", strings.Join(args, " "), out)
}

// post signs and sends a body with `inorder send`.
func (s *system) post(body string) {
	s.Helper()
	file := filepath.Join(s.TempDir(), "event.json")
	require.NoError(s, os.WriteFile(file, bytes.TrimSpace([]byte(body)), 0o600))
	s.run("send", "--file", file)
}

func (s *system) exec(sql string, args ...any) {
	s.Helper()
	s.query(func(conn *pgx.Conn) error {
		_, err := conn.Exec(context.Background(), sql, args...)
		return err
	})
}

// get sends a GET to the admin API, and returns a field of its answer.
func (s *system) get(url, field string) any {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, url, nil)
	require.NoError(s, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s, err)
	defer resp.Body.Close()
	require.Equal(s, http.StatusOK, resp.StatusCode)
	answer := map[string]any{}
	require.NoError(s, json.NewDecoder(resp.Body).Decode(&answer))
	return answer[field]
}

// text returns the value of a query, or "" if it returns no row.
func (s *system) text(sql string, args ...any) (value string) {
	s.Helper()
	s.query(func(conn *pgx.Conn) error {
		err := conn.QueryRow(context.Background(), sql, args...).Scan(&value)
		if err == pgx.ErrNoRows {
			return nil
		}
		return err
	})
	return value
}

func (s *system) query(do func(*pgx.Conn) error) {
	s.Helper()
	conn, err := pgx.Connect(context.Background(), s.database)
	require.NoError(s, err)
	defer conn.Close(context.Background())
	require.NoError(s, do(conn))
}

// awaitPhase returns when the event's row has the phase.
func (s *system) awaitPhase(eventID, phase string) {
	s.Helper()
	s.eventually(eventID+" is "+phase, func() bool {
		return s.text(`SELECT phase FROM pending_events WHERE event_id = $1`, eventID) == phase
	})
}

func (s *system) outcome(eventID string) string {
	return s.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, eventID)
}
