// Package e2e tests the built program on real servers, as the platform and an operator use it.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/sample"
)

// program is bin/inorder, built once for all tests.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "inorder-e2e-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "inorder")
	build := exec.Command("go", "build", "-o", program, "inorder/cmd/inorder")
	build.Dir = testenv.Root()
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build inorder: %v\n%s", err, out))
	}
	testenv.Main(m) // exits; the operating system cleans up the directory
}

const secret = "whsec_e2e"

// system is one inorder with its own database and namespace.
type system struct {
	t         *testing.T
	url       string
	env       []string
	owner     string        // the database's URL for the tables' owner; "" if the programs' role owns them
	pool      *pgxpool.Pool // connects as the owner
	namespace string
	temporal  client.Client
	logs      testenv.Output
}

// newSystem returns a migrated system whose programs have the same role as in production.
func newSystem(t *testing.T, env ...string) *system {
	owner := testenv.MigratedURL(t)
	s := newBareSystem(t, testenv.AsProgram(owner), env...)
	s.owner, s.pool = owner, testenv.Pool(t, owner)
	s.claim()
	return s
}

// newBareSystem returns a system before `inorder migrate`, except that its namespace already has the search attributes.
func newBareSystem(t *testing.T, url string, env ...string) *system {
	port, err := stack.FreePort()
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s := &system{t: t, url: "http://" + address, namespace: namespace(t)}
	s.temporal = testenv.TemporalIn(t, s.namespace)
	s.env = append(os.Environ(), "DATABASE_URL="+url, "TEMPORAL_ADDRESS="+os.Getenv(testenv.TemporalVariable), "TEMPORAL_NAMESPACE="+s.namespace,
		"LISTEN_ADDR="+address, "ADMIN_ADDR=127.0.0.1:0", "WEBHOOK_SECRETS="+secret)
	s.env = append(s.env, env...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.log())
		}
	})
	return s
}

// start starts a command of inorder. It is killed when the test ends, if it still runs.
func (s *system) start(command string) *exec.Cmd {
	cmd := exec.Command(program, command)
	cmd.Env = s.env
	cmd.Stdout, cmd.Stderr = &s.logs, &s.logs
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

func (s *system) log() string { return s.logs.String() }

// serve starts `inorder serve` and returns when the receiver is ready.
func (s *system) serve() *exec.Cmd {
	cmd := s.start("serve")
	s.awaitReady()
	return cmd
}

func (s *system) awaitReady() {
	s.eventually("the receiver is ready", func() bool {
		resp, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (s *system) eventually(what string, condition func() bool) {
	s.t.Helper()
	s.within(testenv.Patience, what, condition)
}

func (s *system) within(limit time.Duration, what string, condition func() bool) {
	s.t.Helper()
	require.Eventually(s.t, condition, limit, 50*time.Millisecond, what)
}

// post delivers a body once, and returns the status and the header Inorder-Result.
func (s *system) post(body []byte) (int, string, error) { return s.postSigned(secret, body) }

func (s *system) postSigned(secret string, body []byte) (int, string, error) {
	req, err := http.NewRequest(http.MethodPost, s.url+delivery.Path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, body))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get(delivery.ResultHeader), nil
}

// deliver posts as the platform does: it retries until the answer is 200.
func (s *system) deliver(body []byte) {
	for begin := time.Now(); time.Since(begin) < testenv.Patience; time.Sleep(100 * time.Millisecond) {
		if status, _, err := s.post(body); err == nil && status == http.StatusOK {
			return
		}
	}
	s.t.Errorf("an event was not accepted within %s", testenv.Patience)
}

// send makes an event, delivers it and returns its ID.
func (s *system) send(o sample.Options) string {
	body := sample.Event(o)
	s.deliver(body)
	e, err := inorder.ParseEvent(body)
	require.NoError(s.t, err)
	return e.ID
}

func (s *system) count(query string, args ...any) (n int) {
	require.NoError(s.t, s.pool.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// outcome returns the event's outcome in webhook_events, or "" while it has no row there.
func (s *system) outcome(id string) string {
	var outcome string
	_ = s.pool.QueryRow(context.Background(), `SELECT outcome FROM webhook_events WHERE event_id = $1`, id).Scan(&outcome)
	return outcome
}

// run runs a command of inorder, and returns its output and exit code. migrate runs as the tables' owner.
func (s *system) run(args ...string) (string, int) {
	cmd := exec.Command(program, args...)
	if cmd.Env = s.env; args[0] == "migrate" && s.owner != "" {
		cmd.Env = append(cmd.Env, "DATABASE_URL="+s.owner)
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(s.t, err)
	}
	return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
}
