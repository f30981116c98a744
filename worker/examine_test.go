package worker_test

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder/dev/testenv"
	"inorder/internal/doctor"
	"inorder/internal/retention"
	"inorder/worker"
	"inorder/workflows"
)

func examine(t *testing.T, o worker.Options) map[string][]doctor.Finding {
	found := map[string][]doctor.Finding{}
	for _, f := range worker.Examine(t.Context(), o, "here", time.Minute) {
		found[f.Check] = append(found[f.Check], f)
		require.True(t, f.Status != doctor.Failed || f.Do != "", f.Says)
	}
	return found
}

// examined examines until every check was made, except those that can't be: a server that stalls for a few seconds leaves one unmade.
func examined(t *testing.T, o worker.Options, except ...string) (found map[string][]doctor.Finding) {
	t.Helper()
	require.Eventually(t, func() bool {
		found = examine(t, o)
		for check, of := range found {
			for _, f := range of {
				if strings.HasPrefix(f.Says, "not checked") && !slices.Contains(except, check) {
					return false
				}
			}
		}
		return true
	}, testenv.Patience, 100*time.Millisecond)
	return found
}

func TestExamineBeforeAndAfterMigrate(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Retention = retention.Settings{Events: 720 * time.Hour, Payloads: 720 * time.Hour, Redelivery: 168 * time.Hour, PendingTTL: 720 * time.Hour}
	found := examined(t, o, "workflow tasks") // its query needs the search attributes
	require.Equal(t, doctor.OK, found["temporal"][0].Status)
	require.Contains(t, found["namespace"][0].Says, "inorder migrate")
	require.Contains(t, found["search attributes"][0].Says, "missing: ")
	require.Len(t, found["schedules"], 4)
	require.Contains(t, found["workers"][0].Says, "no worker polls the task queue "+o.TaskQueue)
	require.Equal(t, doctor.OK, found["Temporal's clock"][0].Status)
	require.Contains(t, found["retention"][0].Says, "shorter than REDELIVERY_HORIZON") // the tests' namespaces have a retention of a day
	require.Equal(t, doctor.Note, found["retention"][0].Status)

	require.NoError(t, worker.Provision(within(t, testenv.Patience), o))
	w := worker.New(o)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	require.Eventually(t, func() bool { found = examined(t, o); return found["workers"][0].Status == doctor.OK }, testenv.Patience, 100*time.Millisecond)
	for check, of := range found {
		if check != "retention" {
			require.Equal(t, doctor.OK, of[0].Status, of[0].Says)
		}
	}
}

func TestExamineTellsOfSchedules(t *testing.T) {
	t.Parallel()
	o := options(t)
	require.NoError(t, worker.Provision(within(t, testenv.Patience), o))
	purge := o.Client.ScheduleClient().GetHandle(t.Context(), workflows.PurgeScheduleID)
	require.NoError(t, purge.Pause(t.Context(), client.SchedulePauseOptions{Note: "while we move"}))
	require.NoError(t, o.Client.ScheduleClient().GetHandle(t.Context(), workflows.SweepScheduleID).Delete(t.Context()))
	o.ReconcileEvery = 7 * time.Hour
	require.Eventually(t, func() bool {
		says := ""
		for _, f := range examine(t, o)["schedules"] {
			says += f.Says + "\n"
		}
		return says == "inorder-purge-events is paused: while we move\ninorder-sweep-events is missing\ninorder-reconcile-orders differs from the settings in its interval (RECONCILE_EVERY)\n"
	}, testenv.Patience, 100*time.Millisecond)
}

func TestExamineATemporalThatHangs(t *testing.T) {
	t.Parallel()
	hangs, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hangs.Close()) })
	o := options(t)
	o.Client, err = client.NewLazyClient(client.Options{HostPort: hangs.Addr().String(), Namespace: o.Namespace})
	require.NoError(t, err)
	t.Cleanup(o.Client.Close)
	asked := time.Now()
	found := examine(t, o)["temporal"][0]
	require.Equal(t, doctor.Failed, found.Status)
	require.Regexp(t, `did not answer within \d+s$`, found.Says)
	said, err := time.ParseDuration(found.Says[strings.LastIndex(found.Says, " ")+1:])
	require.NoError(t, err)
	require.InDelta(t, time.Since(asked).Seconds(), said.Seconds(), 10) // not the minute that was allowed
}

func TestExamineANamespaceOfAnother(t *testing.T) {
	t.Parallel()
	first := options(t)
	require.NoError(t, worker.Provision(within(t, testenv.Patience), first))
	second := another(t, first)
	found := examined(t, second)
	require.Equal(t, doctor.Failed, found["namespace"][0].Status)
	require.Contains(t, found["namespace"][0].Says, "belongs to another system")

	nowhere := first
	nowhere.Namespace = "nowhere"
	lazy, err := client.NewLazyClient(client.Options{HostPort: os.Getenv(testenv.TemporalVariable), Namespace: nowhere.Namespace})
	require.NoError(t, err)
	t.Cleanup(lazy.Close)
	nowhere.Client = lazy
	require.Eventually(t, func() bool {
		found = examine(t, nowhere)
		return strings.Contains(found["temporal"][0].Says, `no namespace "nowhere"`)
	}, testenv.Patience, 100*time.Millisecond)
	require.Equal(t, doctor.Note, found["schedules"][0].Status)
}
