// Package testenv gives tests what several packages need: real servers, those that `make test` has started and names in the
// environment or else ones of their own; databases and namespaces; a stand-in with a client; a buffer for logs. What only one
// package needs is in that package. Packages that it imports itself use it in external tests (package x_test).
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

// The environment that dev/cmd/dev gives the tests it runs.
const (
	DatabaseVariable = "INORDER_TEST_DATABASE_URL"
	TemporalVariable = "INORDER_TEST_TEMPORAL_ADDRESS"
)

// Patience is how long a test waits for what must happen. A green test never waits for so long; a machine that others use may need it.
const Patience = 4 * time.Minute

// Main runs a package's tests with servers: func TestMain(m *testing.M) { testenv.Main(m) }.
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

// Need skips a test that can't run here: err is what it lacks, nil for nothing, and without is what nothing shows then. In CI, where nothing may be
// skipped, the test fails instead.
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

// Root returns the checkout.
func Root() string {
	root, err := stack.Root()
	if err != nil {
		panic(err)
	}
	return root
}

// Log writes errors only. For what a test checks, see Logs.
var Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

// Temporal returns a client in the default namespace. Tests keep apart by task queue and workflow IDs.
func Temporal(t testing.TB) client.Client { return TemporalIn(t, client.DefaultNamespace) }

// TemporalIn returns a client in another namespace.
func TemporalIn(t testing.TB, namespace string) client.Client {
	c, err := client.Dial(client.Options{HostPort: os.Getenv(TemporalVariable), Namespace: namespace, Identity: "test",
		Logger: log.NewStructuredLogger(Log)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// Namespace registers a new namespace, without search attributes or schedules, and returns when it can be used.
func Namespace(t testing.TB) string {
	name, err := NewNamespace()
	require.NoError(t, err)
	return name
}

// NewNamespace is Namespace without a test, to prepare namespaces ahead.
func NewNamespace() (string, error) {
	name := sample.NewID("test-")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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
