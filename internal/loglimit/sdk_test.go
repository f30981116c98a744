package loglimit

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
)

var _ log.Logger = (*SDK)(nil)

func TestTheSDKsErrorsAreLimitedByMessageAndActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited, lines := newTest(slog.LevelInfo)
		sdk := log.With(NewSDK(limited.log, limited), "TaskQueue", "inorder") // as the SDK does
		for i := range 1000 {
			err := fmt.Errorf("apply event evt_%d: %w", i, errors.New("failed to connect:\n\t127.0.0.1: refused\n\t127.0.0.1: refused\n"))
			sdk.Error("Activity error.", "WorkflowID", fmt.Sprintf("evt_%d", i), "ActivityType", "ApplyEvent", "Error", err)
			sdk.Error("Activity error.", "ActivityType", "PurgeEvents", "Error", errors.New("no"))
		}
		require.Equal(t, []string{
			`level=ERROR msg="Activity error." TaskQueue=inorder WorkflowID=evt_0 ActivityType=ApplyEvent Error="apply event evt_0: failed to connect: 127.0.0.1: refused"`,
			`level=ERROR msg="Activity error." TaskQueue=inorder ActivityType=PurgeEvents Error=no`,
		}, lines())
		time.Sleep(every + time.Second)
		counted := strings.Join(lines(), "\n")
		require.Equal(t, 1, strings.Count(counted, "\n"))
		require.Contains(t, counted, `Error="apply event evt_999: failed to connect: 127.0.0.1: refused" lines=999 within=30s`)
		time.Sleep(every)
	})
}

func TestAMessageWithAnErrorOrAnIDIsOneKind(t *testing.T) {
	limited, lines := newTest(slog.LevelInfo)
	sdk := NewSDK(limited.log, limited)
	for i := range 1000 {
		sdk.Warn(fmt.Sprintf("Workflow task postprocess error: of evt_%d:\n\tno", i), "Attempt", i)
		sdk.Warn(fmt.Sprintf("[TMPRL1104] evt_%d Workflow task duration exceeded 1 seconds.", i))
		sdk.Error("odd", "no value")
	}
	require.Equal(t, []string{
		`level=WARN msg="Workflow task postprocess error: of evt_0: no" Attempt=0`,
		`level=WARN msg="[TMPRL1104] evt_0 Workflow task duration exceeded 1 seconds."`,
		`level=ERROR msg=odd !BADKEY="no value"`,
	}, lines())
	limited.Flush()
}

func TestWhatIsLessThanAWarningIsNotLimited(t *testing.T) {
	limited, lines := newTest(slog.LevelDebug)
	sdk := NewSDK(limited.log, limited)
	for range 2 {
		sdk.Debug("d", "a", 1)
		sdk.Info("i", "a", 1)
	}
	require.Equal(t, []string{"level=DEBUG msg=d a=1", "level=INFO msg=i a=1", "level=DEBUG msg=d a=1", "level=INFO msg=i a=1"}, lines())
}

// A Temporal server that is slow fails tasks by the hundred.
func TestFailuresAtLevelInfoAreLimited(t *testing.T) {
	limited, lines := newTest(slog.LevelInfo)
	sdk := log.With(NewSDK(limited.log, limited), "TaskQueue", "inorder")
	for range 1000 {
		sdk.Info("Task processing failed with error", "WorkerType", "WorkflowWorker", "Error", errors.New("context deadline exceeded"))
	}
	require.Equal(t, []string{`level=INFO msg="Task processing failed with error" TaskQueue=inorder WorkerType=WorkflowWorker Error="context deadline exceeded"`}, lines())
	limited.Flush()
	require.Contains(t, lines()[0], "lines=999")
}

func TestKindsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		for i := range 1000 {
			l.Log(slog.LevelWarn, fmt.Sprint(i), "it happened", "i", i)
		}
		require.Len(t, lines(), most+1, "all that are too many are one kind")
		time.Sleep(every + time.Second)
		require.Equal(t, []string{fmt.Sprintf(`level=WARN msg="it happened" i=999 lines=%d within=30s`, 1000-most-1)}, lines())
		time.Sleep(every)
		l.Log(slog.LevelWarn, "1000", "it happened", "i", 1000)
		require.Equal(t, []string{`level=WARN msg="it happened" i=1000`}, lines(), "there is room again")
		l.Flush()
	})
}
