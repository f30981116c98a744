package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/loglimit"
	"inorder/internal/store"
	"inorder/internal/store/view"
	"inorder/internal/traffic"
)

// servers answer the readings, in synthetic time.
type servers struct {
	*Readings
	t        *testing.T
	registry *prometheus.Registry

	mu    sync.Mutex
	said  view.Readings
	away  error // of both
	asked int
}

// answer sets what the servers answer from now on.
func (s *servers) answer(said view.Readings, away error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said, s.away = said, away
}

func (s *servers) readings(context.Context) (view.Readings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.said, s.away
}

func (s *servers) applying(context.Context) (int, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return 3, time.Now().Add(-time.Minute), s.away
}

// pass lets time pass, and waits until the readings that are due have ended.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func read(t *testing.T, test func(*servers)) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{t: t, registry: prometheus.NewRegistry()}
		log := loglimit.New(slog.New(slog.DiscardHandler), loglimit.Every)
		s.Readings = NewReadings(Options{
			Postgres: s.readings, Applying: s.applying, Traffic: traffic.New(), Log: log,
		})
		s.registry.MustRegister(s.Readings)
		ctx, stop := context.WithCancel(t.Context())
		defer log.Flush()
		defer stop()
		go s.Run(ctx)
		synctest.Wait()
		test(s)
		stop()
		synctest.Wait()
	})
}

// shown returns the series of a metric, each as its labels and its value.
func (s *servers) shown(name string) (series []string) {
	s.t.Helper()
	families, err := s.registry.Gather()
	require.NoError(s.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if f.GetName() == "inorder_"+name {
				series = append(series, strings.TrimSpace(fmt.Sprint(strings.Join(labels, " "), " ", m.GetGauge().GetValue())))
			}
		}
	}
	return series
}

func TestWhatTheServersSayIsShown(t *testing.T) {
	read(t, func(s *servers) {
		require.Equal(t, []string{"applying 3", "attention 0", "inbox 0", "stuck 0", "waiting 0"}, s.shown("events"), "all states, from the beginning")
		require.Equal(t, []string{"applying 60", "attention 0", "inbox 0", "stuck 0", "waiting 0"}, s.shown("oldest_event_seconds"))
		require.Equal(t, []string{"fulfillment 0", "order 0", "other 0", "payment 0", "refund 0", "return 0"}, s.shown("last_event_timestamp_seconds"))
		require.Equal(t, []string{"check_subscription 0", "purge 0", "reconcile 0", "sweep 0"}, s.shown("job_last_success_timestamp_seconds"))
		require.Equal(t, []string{"check_subscription 0", "purge 0", "reconcile 0", "sweep 0"}, s.shown("job_expected"))

		at := time.Unix(1000, 500_000_000)
		s.Expect(store.JobPurge)
		s.answer(view.Readings{
			States:     map[api.State]view.Reading{api.StateInbox: {Count: 7, Oldest: 2 * time.Second}},
			Jobs:       map[store.Job]time.Time{store.JobSweep: at, "made up": at},
			LastEvents: map[string]time.Time{"order": at, "refund": at, "made up": at},
		}, nil)
		s.o.Traffic.Event("order.paid", at.Add(time.Second)) // which is not in the table yet
		s.o.Traffic.Event("refund.created", at.Add(-time.Second))
		pass(readEvery)
		require.Equal(t, []string{"7"}, s.shown("inbox_events"))
		require.Contains(t, s.shown("events"), "inbox 7")
		require.Contains(t, s.shown("oldest_event_seconds"), "inbox 2")
		require.Equal(t, []string{"check_subscription 0", "purge 0", "reconcile 0", "sweep 1000.5"}, s.shown("job_last_success_timestamp_seconds"))
		require.Equal(t, []string{"check_subscription 0", "purge 1", "reconcile 0", "sweep 0"}, s.shown("job_expected"))
		require.Equal(t, []string{"fulfillment 0", "order 1001.5", "other 0", "payment 0", "refund 1000.5", "return 0"}, s.shown("last_event_timestamp_seconds"))

		problems, err := testutil.GatherAndLint(s.registry)
		require.NoError(t, err)
		require.Empty(t, problems)
		for range 100 {
			s.shown("events")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		require.Equal(t, 2, s.asked, "scrapes ask nobody")
	})
}

func TestWhatIsNotKnownAnyMoreIsNotShown(t *testing.T) {
	read(t, func(s *servers) {
		began := time.Now()
		s.answer(view.Readings{}, errors.New("away"))
		pass(readTemporal + time.Second)
		require.Equal(t, []string{"0"}, s.shown("postgres_up"))
		require.Equal(t, []string{"0"}, s.shown("temporal_up"))
		require.Len(t, s.shown("events"), 5, "it is new enough")
		pass(keptFor)
		require.Empty(t, s.shown("events"))
		require.Empty(t, s.shown("inbox_events"))
		require.Empty(t, s.shown("job_last_success_timestamp_seconds"))
		require.Empty(t, s.shown("last_event_timestamp_seconds"), "whether one never came is not known")
		require.Equal(t, []string{fmt.Sprint("postgres ", seconds(began)), fmt.Sprint("temporal ", seconds(began))}, s.shown("last_reading_timestamp_seconds"))
		require.Len(t, s.shown("job_expected"), 4)
		s.o.Traffic.Event("order.paid", began)
		require.Len(t, s.shown("last_event_timestamp_seconds"), 1, "but this one came")

		s.answer(view.Readings{}, nil)
		pass(readTemporal)
		require.Len(t, s.shown("events"), 5)
		require.Equal(t, []string{"1"}, s.shown("postgres_up"))
	})
}

func TestAProcessWithoutADatabaseShowsWhatItKnows(t *testing.T) {
	s := &servers{t: t, registry: prometheus.NewRegistry()}
	s.Readings = NewReadings(Options{Traffic: traffic.New()})
	s.registry.MustRegister(s.Readings)
	require.Empty(t, s.shown("events"))
	require.Empty(t, s.shown("postgres_up"))
	require.Len(t, s.shown("last_event_timestamp_seconds"), 6)
	require.Equal(t, []string{"temporal 0"}, s.shown("last_reading_timestamp_seconds"))
}
