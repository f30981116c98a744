// Package testenv has what the tests of several packages need: real servers, databases, namespaces, a stand-in with a client,
// and a buffer for logs. `make test` starts the servers and names them in the environment; without it, Main starts its own.
// What only one package needs is in that package. Packages that testenv imports use it in external tests (package x_test).
package testenv

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"

	"inorder/dev/stack"
	"inorder/internal/sample"
)

// The environment variables by which dev/cmd/dev gives its servers to the tests that it runs.
const (
	DatabaseVariable = "INORDER_TEST_DATABASE_URL"
	TemporalVariable = "INORDER_TEST_TEMPORAL_ADDRESS"
)

// Patience is how long a test waits for what must happen. A passing test never waits that long, but a busy machine may need much of it.
const Patience = 4 * time.Minute

// Main runs a package's tests with real servers: func TestMain(m *testing.M) { testenv.Main(m) }.
func Main(m *testing.M) {
	stack.ClearEnvironment()
	if os.Getenv(DatabaseVariable) != "" {
		os.Exit(m.Run())
	}
	os.Exit(withOwnServers(m.Run))
}

func withOwnServers(run func() int) int {
	stack, err := stack.Start(context.Background(), stack.Options{Out: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "start servers for the tests:", err)
		return 1
	}
	defer stack.Stop()
	os.Setenv(DatabaseVariable, stack.SuperuserURL)
	os.Setenv(TemporalVariable, stack.TemporalAddress)
	return run()
}

// Need skips the test if err, which says what this machine lacks, is not nil. without says what then goes untested. In CI, where no test may be
// skipped, Need fails the test instead.
func Need(t testing.TB, err error, without string) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s: %v", without, err)
	default:
		t.Skipf("%s: %v", without, err)
	}
}

// Root returns the root of the checkout.
func Root() string {
	root, err := stack.Root()
	if err != nil {
		panic(err)
	}
	return root
}

// Log writes errors only. Use Logs to check what is logged.
var Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

// Temporal returns a client of the default namespace, which tests share: each uses its own task queue and workflow IDs.
func Temporal(t testing.TB) client.Client { return TemporalIn(t, client.DefaultNamespace) }

// TemporalIn returns a client of the given namespace. It is closed when the test ends.
func TemporalIn(t testing.TB, namespace string) client.Client {
	c, err := client.Dial(client.Options{HostPort: os.Getenv(TemporalVariable), Namespace: namespace, Identity: "test",
		Logger: log.NewStructuredLogger(Log)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// Namespace registers a new namespace, without search attributes or schedules, and returns its name once it is usable.
func Namespace(t testing.TB) string {
	name, err := NewNamespace()
	require.NoError(t, err)
	return name
}

// NewNamespace is Namespace without a test, for namespaces that are prepared in advance.
func NewNamespace() (string, error) {
	name := sample.NewID("test-")
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c, err := client.NewLazyClient(client.Options{HostPort: os.Getenv(TemporalVariable), Logger: log.NewStructuredLogger(Log)})
	if err != nil {
		return "", err
	}
	defer c.Close()
	_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour)})
	for err == nil {
		if _, unknown := c.WorkflowService().CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: name}); unknown == nil {
			break
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return name, err
}
