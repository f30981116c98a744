package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"

	"inorder/dev/testenv"
	"inorder/internal/telemetry"
	"inorder/workflows"
)

// A worker that traces can continue the histories of one that did not.
func TestHistoriesReplayWithTracing(t *testing.T) {
	files, err := filepath.Glob(fixture("*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	tracing, err := telemetry.New(t.Context(), tracetest.NewInMemoryExporter(), telemetry.Options{})
	require.NoError(t, err)
	t.Cleanup(tracing.Stop)
	spans, err := tracing.Interceptor()
	require.NoError(t, err)
	for _, file := range files {
		r, err := sdk.NewWorkflowReplayerWithOptions(sdk.WorkflowReplayerOptions{
			Interceptors: []interceptor.WorkerInterceptor{spans, workflows.TraceEvents()}, DisableDeadlockDetection: true})
		require.NoError(t, err)
		workflows.Register(r)
		require.NoError(t, r.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(testenv.Log), file), file)
	}
}
