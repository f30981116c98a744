package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"inorder/activities"
	"inorder/internal/retention"
	"inorder/migrations"
)

func (s *store) purge(now time.Time) activities.PurgeResult {
	s.t.Helper()
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.RegisterActivity(s.Activities)
	v, err := env.ExecuteActivity(s.PurgeEvents, now)
	require.NoError(s.t, err)
	var r activities.PurgeResult
	require.NoError(s.t, v.Get(&r))
	return r
}

// newPurged returns a store whose events are kept for a day.
func newPurged(t *testing.T) *store {
	s := newStore(t)
	s.EventRetention = 24 * time.Hour
	return s
}

func TestPurgeEvents(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
	fill := func(s *store, n int, processed time.Time) {
		_, err := s.pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome, payload, processed_at)
			SELECT 'evt_' || gen_random_uuid(), 'order.paid', 'applied', '{}', $2 FROM generate_series(1, $1)`, n, processed)
		require.NoError(t, err)
	}
	t.Run("deletes what is older than the retention, and only that", func(t *testing.T) {
		s := newPurged(t)
		fill(s, 2345, now.Add(-24*time.Hour-retention.Slack-time.Second))
		fill(s, 3, now.Add(-24*time.Hour-retention.Slack))
		r := s.purge(now)
		require.Equal(t, int64(2345), r.Deleted)
		require.True(t, r.OlderThan.Equal(now.Add(-24*time.Hour-retention.Slack)))
		require.WithinDuration(t, time.Now(), r.FinishedAt, time.Minute)
		require.Equal(t, "3", s.text(`SELECT count(*) FROM webhook_events`))
		require.Zero(t, s.purge(now).Deleted)
	})
	t.Run("forgets secrets that had ended by then, except the ends of others' secrets", func(t *testing.T) {
		s := newPurged(t)
		_, err := s.pool.Exec(t.Context(), `INSERT INTO webhook_secrets (name, secret, source, ends_at) VALUES
			('old', 'whsec_1', 'wh_1', $1), ('lasting', 'whsec_2', 'wh_2', NULL), ('new', 'whsec_3', 'wh_3', $2), ('env', NULL, 'WEBHOOK_SECRETS', $1)`,
			now.AddDate(-1, 0, 0), now)
		require.NoError(t, err)
		require.Equal(t, int64(1), s.purge(now).Secrets)
		require.Equal(t, "env lasting new", s.text(`SELECT string_agg(name, ' ' ORDER BY name) FROM webhook_secrets`))
	})
	t.Run("in batches of 1,000", func(t *testing.T) {
		s := newPurged(t)
		fill(s, 2000, now.AddDate(-1, 0, 0))
		trips := s.wire.count(func() { require.Equal(t, int64(2000), s.purge(now).Deleted) })
		require.GreaterOrEqual(t, trips, 9) // three transactions of begin, delete and commit, and those for the keys
	})
	t.Run("passes over rows that are locked, and takes them next time", func(t *testing.T) {
		s := newPurged(t)
		fill(s, 10, now.AddDate(-1, 0, 0))
		release := s.hold(`SELECT FROM webhook_events LIMIT 4 FOR UPDATE`)
		require.Equal(t, int64(6), s.purge(now).Deleted)
		release()
		require.Equal(t, int64(4), s.purge(now).Deleted)
	})
}

func TestPurgeDeletesRefusedDeliveriesAndWhatTheDatabaseLetsGoOfTheAudit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newPurged(t)
	s.RefusedRetention = 7 * 24 * time.Hour
	for _, sql := range []string{
		`INSERT INTO refused_deliveries (at, reason, status, evidence, client, network, causes, summary, advice)
			SELECT now() - make_interval(hours => h), 'bad_signature', 401, 'none', '', '', '{}', h::text, '' FROM unnest(ARRAY[1, 167, 169, 1000]) h`,
		`INSERT INTO audit_log (at, actor, action, via, result) SELECT now() - make_interval(days => d), 'anna', 'retry', 'api', d::text FROM unnest(ARRAY[1, 59, 61, 1000]) d`,
	} {
		_, err := s.pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	r := s.purge(now)
	require.EqualValues(t, 2, r.Refused)
	require.Equal(t, "1 167", s.text(`SELECT string_agg(summary, ' ' ORDER BY at DESC) FROM refused_deliveries`))
	require.Zero(t, r.Audit, "it is kept for ever")
	_, err := migrations.KeepAudit(t.Context(), s.pool, 60*24*time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 2, s.purge(now).Audit)
	require.Equal(t, "1 59", s.text(`SELECT string_agg(result, ' ' ORDER BY at DESC) FROM audit_log`))
}

func TestPayloadsGoInBatchesAndEachPurgeGoesOnWhereTheLastOneStopped(t *testing.T) {
	t.Parallel()
	s := newPurged(t)
	s.EventRetention, s.PayloadRetention = 30*24*time.Hour, 24*time.Hour
	insert := func(from, to int, ago string) {
		_, err := s.pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome, payload, processed_at)
			SELECT 'evt_' || i, 'order.paid', 'applied', '{"store_id":7}', now() - $3::interval + i * interval '1 second' FROM generate_series($1::integer, $2::integer) i`, from, to, ago)
		require.NoError(t, err)
	}
	insert(1, 2500, "10 days")
	insert(9001, 9003, "20 hours")
	require.EqualValues(t, 2500, s.purge(time.Now()).Payloads)
	require.Equal(t, "0 3", s.text(`SELECT count(store_id) || ' ' || count(payload) FROM webhook_events`), "a store that is no text is none")
	insert(3001, 3002, "10 days")     // committed late: its transaction began before that of the last row removed
	insert(-99999, -99999, "10 days") // a day before that, longer than any transaction lasts
	require.EqualValues(t, 2, s.purge(time.Now()).Payloads)
	require.Zero(t, s.purge(time.Now()).Payloads)
	release := s.hold(`SELECT FROM webhook_events WHERE event_id = 'evt_9001' FOR UPDATE`)
	s.PayloadRetention = time.Hour
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.RegisterActivity(s.Activities)
	_, err := env.ExecuteActivity(s.PurgeEvents, time.Now())
	require.ErrorContains(t, err, "purge payloads", "it does not pass over a row, because it never comes back to it")
	release()
	require.EqualValues(t, 3, s.purge(time.Now()).Payloads)
}

func TestPurgeForgetsWhatWasAnsweredToRequestsADayAgo(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newPurged(t)
	_, err := s.pool.Exec(t.Context(), `INSERT INTO idempotency_keys (actor, key, request_hash, status, created_at)
		SELECT 'admin', 'old_' || i, ''::bytea, 200, now() - interval '25 hours' FROM generate_series(1, 1500) i UNION ALL SELECT 'admin', 'new', ''::bytea, 200, now() - interval '23 hours'`)
	require.NoError(t, err)
	require.Equal(t, int64(1500), s.purge(now).Keys)
	require.Equal(t, "new", s.text(`SELECT string_agg(key, ' ') FROM idempotency_keys`))
}
