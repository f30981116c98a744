package traffic

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	"inorder/internal/store"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var noon = time.Date(2026, 1, 15, 12, 0, 30, 0, time.UTC)

// flaky is a database that may be away, or lose its answer.
type flaky struct {
	*pgxpool.Pool
	away, lost bool
}

func (f *flaky) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	if f.away {
		return tag, errors.New("connection refused")
	}
	tag, err = f.Pool.Exec(ctx, sql, args...)
	if f.lost {
		err = errors.New("connection reset")
	}
	return tag, err
}

type rig struct {
	*testing.T
	db *flaky
	*Recorder
	w *Writer
}

func newRig(t *testing.T) *rig {
	t.Parallel()
	r := &rig{T: t, db: &flaky{Pool: testenv.Database(t)}, Recorder: New()}
	r.w = r.writer(r.Recorder)
	return r
}

func (r *rig) writer(of *Recorder) *Writer {
	w := NewWriter(of, r.db, loglimit.New(testenv.Log, loglimit.Every))
	w.purgedAt = noon.Add(24 * time.Hour) // no purge: the test's rows are old
	return w
}

func (r *rig) write(at time.Time) { r.w.write(r.Context(), at, time.Minute) }

// kept returns what PostgreSQL has of a minute.
func (r *rig) kept(at time.Time, kind, name string) (n int) {
	r.Helper()
	require.NoError(r, r.db.QueryRow(r.Context(), `SELECT coalesce(sum(count), 0)::int FROM traffic_minutes WHERE minute = $1 AND kind = $2 AND name = $3`,
		at.Truncate(time.Minute), kind, name).Scan(&n))
	return n
}

func TestCountsAreKeptByTheMinuteForAllProcesses(t *testing.T) {
	r := newRig(t)
	other := New()
	for range 3 {
		r.Delivery(Accepted)
		other.Delivery(Accepted)
	}
	r.Delivery(BadSignature)
	for range 2 {
		r.Ended(inorder.Applied, store.ViaWorkflow, noon)
	}
	for range 5 {
		r.Ended(inorder.Applied, store.ViaInbox, noon)
	}
	r.Ended(inorder.Waiting, store.ViaInbox, noon) // no end
	r.write(noon)
	r.writer(other).write(t.Context(), noon, time.Minute)
	r.Delivery(Accepted)
	r.write(noon.Add(5 * time.Second))
	r.Delivery(Accepted)
	r.write(noon.Add(time.Minute))
	r.write(noon.Add(time.Minute))

	require.Equal(t, 7, r.kept(noon, "delivery", Accepted))
	require.Equal(t, 1, r.kept(noon.Add(time.Minute), "delivery", Accepted))
	require.Equal(t, 1, r.kept(noon, "delivery", BadSignature))
	require.Equal(t, 7, r.kept(noon, "end", "applied"))
	require.Zero(t, r.kept(noon, "end", "waiting"))
	require.Len(t, r.w.minutes, 1, "what is written is forgotten")
}

func TestWhatCannotBeWrittenIsKept(t *testing.T) {
	r := newRig(t)
	r.db.away = true
	for i := range 200 {
		r.Delivery(Spilled)
		r.write(noon.Add(time.Duration(i) * time.Minute))
	}
	require.Len(t, r.w.minutes, keptMinutes)
	r.db.away = false
	r.write(noon.Add(200 * time.Minute))
	require.Equal(t, 1, r.kept(noon.Add(199*time.Minute), "delivery", Spilled))
	require.Equal(t, 1, r.kept(noon.Add(81*time.Minute), "delivery", Spilled))
	require.Zero(t, r.kept(noon.Add(80*time.Minute), "delivery", Spilled))
}

func TestALostAnswerCountsNothingTwice(t *testing.T) {
	r := newRig(t)
	r.Delivery(Accepted)
	r.db.lost = true
	r.write(noon)
	r.write(noon)
	r.db.lost = false
	r.write(noon.Add(time.Minute))
	require.Equal(t, 1, r.kept(noon, "delivery", Accepted))
}

func TestTheLastEventOfEachFamilyIsTheNewestOfAllProcesses(t *testing.T) {
	r := newRig(t)
	other := New()
	r.Event("order.paid", noon)
	r.Event("order.created", noon.Add(-time.Minute))
	r.Event("customer.created", noon)
	other.Event("order.paid", noon.Add(-time.Hour))
	other.Event("refund.created", noon)
	r.write(noon)
	r.writer(other).write(t.Context(), noon, time.Minute)
	rows, err := r.db.Query(t.Context(), `SELECT family || ' ' || to_char(at AT TIME ZONE 'UTC', 'HH24:MI:SS') FROM last_events ORDER BY 1`)
	require.NoError(t, err)
	var all []string
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		all = append(all, line)
	}
	require.Equal(t, []string{"order 12:00:30", "other 12:00:30", "refund 12:00:30"}, all)
}

func TestOldMinutesAreDeletedAndAStopWritesTheRest(t *testing.T) {
	r := newRig(t)
	r.Delivery(Accepted)
	r.write(time.Now().Add(-3 * time.Hour))
	r.Delivery(TooLarge)
	r.w.purgedAt = time.Time{}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var minutes, names int
	for range 3 { // a stop waits 2 s for PostgreSQL, which may stall for longer; what it could not write, it keeps
		r.w.Run(ctx)
		require.NoError(t, r.db.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE name = 'too_large') FROM traffic_minutes`).Scan(&minutes, &names))
		if minutes == 1 && names == 1 {
			return
		}
	}
	require.Equal(t, []int{1, 1}, []int{minutes, names})
}

func TestCountingAllocatesNothing(t *testing.T) {
	r := New()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r.Delivery(Accepted)
		r.Event("order.paid", noon)
		r.Ended(inorder.Applied, store.ViaWorkflow, noon)
	}))
	(*Recorder)(nil).Delivery(Accepted)
	counted := map[string]int64{}
	r.EachDelivery(func(result string, n int64) { counted[result] = n })
	require.Len(t, counted, len(results), "all are there from the beginning")
	require.EqualValues(t, 101, counted[Accepted])
}

func BenchmarkRecorder(b *testing.B) {
	r := New()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			r.Delivery(Accepted)
			r.Event("order.paid", noon)
			r.Ended(inorder.Applied, store.ViaInbox, noon)
		}
	})
}
