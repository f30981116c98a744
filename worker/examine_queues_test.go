package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"inorder/internal/doctor"
)

// Temporal names a worker for five minutes after its last poll. The doctor must not report during that time that all is well.
func TestAWorkerThatIsGoneIsNoWorker(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	polled := func(who string, ago time.Duration) *taskqueuepb.PollerInfo {
		return &taskqueuepb.PollerInfo{Identity: who, LastAccessTime: timestamppb.New(now.Add(-ago))}
	}
	for name, tc := range map[string]struct {
		pollers []*taskqueuepb.PollerInfo
		status  doctor.Status
		says    string
	}{
		"nobody":            {nil, doctor.Failed, "no worker polls the task queue q"},
		"one that is idle":  {[]*taskqueuepb.PollerInfo{polled("1@a", 61*time.Second)}, doctor.OK, "1 on the task queue q"},
		"two polls of one":  {[]*taskqueuepb.PollerInfo{polled("1@a", 0), polled("1@a", time.Second)}, doctor.OK, "1 on the task queue q"},
		"one beside a dead": {[]*taskqueuepb.PollerInfo{polled("1@a", 3*time.Minute), polled("2@b", time.Second)}, doctor.OK, "1 on the task queue q"},
		"two that are dead": {[]*taskqueuepb.PollerInfo{polled("1@a", 4*time.Minute), polled("2@b", 2*time.Minute)}, doctor.Failed,
			"no worker polls the task queue q: the last one, 2@b, polled it 2 minutes ago"},
	} {
		f := workersFinding("q", tc.pollers, now)
		require.Equal(t, tc.status, f.Status, name)
		require.Equal(t, tc.says, f.Says, name)
	}
}
