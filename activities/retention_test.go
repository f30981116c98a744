package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/operate"
	"inorder/internal/retention"
)

var (
	usual = retention.Settings{Events: 30 * day, Payloads: 30 * day, Redelivery: 7 * day, PendingTTL: 30 * day, StuckAfter: day, Refused: 7 * day}
	// tight keeps rows for the shortest time allowed.
	tight = retention.Settings{Events: 7 * day, Payloads: 7 * day, Redelivery: 7 * day, PendingTTL: 7 * day, StuckAfter: day}
	brief = retention.Settings{Events: 30 * day, Payloads: 2 * day, Redelivery: 7 * day, PendingTTL: 30 * day, StuckAfter: day}
)

// lives are what happens to one event, and when. The program accepts the settings of each.
var lives = []struct {
	name     string
	settings retention.Settings
	goes     func(*life)
}{
	{"delivered again at the horizon, which is the retention", tight, func(l *life) {
		l.applied()
		l.pass(tight.Redelivery)
		require.Zero(l.t, l.purged().Deleted)
		l.unchanged(l.redelivered, inorder.Applied)
	}},
	{"ended late: the horizon counts from the first delivery, the retention from the end", tight, func(l *life) {
		require.Equal(l.t, inorder.Waiting, l.run())
		l.pass(tight.PendingTTL)
		require.Equal(l.t, inorder.Expired, l.run())
		l.pass(tight.Events)
		l.purged()
		l.unchanged(l.redelivered, inorder.Expired)
	}},
	{"its row goes an hour after the retention, and not before", usual, func(l *life) {
		l.applied()
		l.pass(30*day + retention.Slack - time.Minute)
		require.Zero(l.t, l.purged().Deleted)
		l.has(inorder.Applied, "with")
		l.pass(2 * time.Minute)
		require.EqualValues(l.t, 1, l.purged().Deleted)
		require.Empty(l.t, l.end())
	}},
	{"its payload goes earlier; the row prevents a second effect, and a replay says why it can't be", brief, func(l *life) {
		l.applied()
		l.pass(2*day - time.Minute)
		require.Zero(l.t, l.purged().Payloads)
		require.NoError(l.t, l.replay())
		l.pass(2 * time.Minute)
		require.EqualValues(l.t, 1, l.purged().Payloads)
		l.has(inorder.Applied, "without")
		require.Equal(l.t, "store_1", l.text(`SELECT store_id FROM webhook_events`), "lists select by it")
		l.unchanged(l.redelivered, inorder.Applied)
		var unfit *operate.UnfitError
		require.ErrorAs(l.t, l.replay(), &unfit)
		require.Contains(l.t, unfit.Why, "its payload was removed at "+l.text(`SELECT to_char(payload_removed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"') FROM webhook_events`))
		require.Contains(l.t, unfit.Why, "PAYLOAD_RETENTION")
		require.Empty(l.t, unfit.Actions)
		require.Zero(l.t, l.purged().Payloads, "once")
		l.pass(28*day + retention.Slack)
		require.EqualValues(l.t, 1, l.purged().Deleted)
	}},
	{"a sweep finds its terminated run after the row is gone", usual, func(l *life) {
		l.applied()
		l.pass(30*day + 2*retention.Slack)
		require.EqualValues(l.t, 1, l.purged().Deleted)
		r := l.sweep(time.Now())
		require.Equal(l.t, 1, r.TooOld)
		require.Zero(l.t, r.Started)
		require.Contains(l.t, r.Notes[0], "EVENT_RETENTION")
	}},
	{"a sweep that was held up for three hours finds it", usual, func(l *life) {
		l.applied()
		l.pass(30*day + 2*retention.Slack)
		l.purged()
		r := l.sweep(time.Now().Add(-3 * time.Hour))
		require.Equal(l.t, 1, r.TooOld)
		require.Zero(l.t, r.Started)
	}},
	{"it was never applied, and is too old a moment before its row would go", usual, func(l *life) {
		l.pass(30*day + time.Minute)
		require.Equal(l.t, 1, l.sweep(time.Now()).TooOld)
		l.receivedAt = time.Now().Add(-30*day + time.Minute)
		require.Equal(l.t, 1, l.sweep(time.Now()).Started)
		require.Equal(l.t, inorder.Stuck, l.engine.outcome)
	}},
	{"a purge runs between a sweep's look and its start, and the event ended in between", usual, func(l *life) {
		l.pass(30*day - time.Minute)
		l.engine.start = func() { // the sweep found no row, and stops here for two hours
			l.orderIsCreated()
			require.Equal(l.t, inorder.Applied, l.run())
			l.pass(30*day + 2*retention.Slack)
			require.NotZero(l.t, l.purged().Deleted)
			require.Empty(l.t, l.end())
		}
		require.Equal(l.t, 1, l.sweep(time.Now()).Started)
		require.Equal(l.t, inorder.Attention, l.engine.outcome, "its workflow sees that nobody can tell")
		require.Empty(l.t, l.end())
	}},
	{"somebody resets its workflow after the row is gone", usual, func(l *life) {
		l.applied()
		l.pass(30*day + 2*retention.Slack)
		l.purged()
		require.Equal(l.t, inorder.Attention, l.run())
		require.Equal(l.t, inorder.Attention, l.run(), "the same attempt, twice")
		require.Contains(l.t, l.text(`SELECT detail FROM pending_events`), "EVENT_RETENTION")
		require.Equal(l.t, inorder.Stale, l.runWith(l.receivedAt, time.Now()), "a person has said so, and it is not newer than itself")
	}},
	{"it loses its workflow shortly before it would be given up", tight, func(l *life) {
		require.Equal(l.t, inorder.Waiting, l.run())
		l.pass(7*day - 30*time.Minute)
		require.Equal(l.t, inorder.Stuck, l.run())
		l.pass(3 * time.Hour)
		require.Equal(l.t, 1, l.sweep(time.Now()).Started, "it waited two and a half hours ago")
		require.Equal(l.t, inorder.Expired, l.engine.outcome)
	}},
	{"its order comes after the retention: it waited all the time", retention.Settings{Events: 7 * day, Payloads: 7 * day, PendingTTL: 90 * day, StuckAfter: day}, func(l *life) {
		require.Equal(l.t, inorder.Waiting, l.run())
		l.pass(8 * day)
		l.purged()
		l.orderIsCreated()
		require.Equal(l.t, inorder.Applied, l.run())
	}},
	{"it is still in the inbox, because Temporal has not taken its workflow", usual, func(l *life) {
		l.applied()
		_, err := l.pool.Exec(l.t.Context(), `INSERT INTO event_inbox (event_id, body, received_at, not_before) VALUES ('evt_1', '', now(), now())`)
		require.NoError(l.t, err)
		l.pass(60 * day)
		require.Zero(l.t, l.purged().Deleted)
		l.unchanged(l.redelivered, inorder.Applied)
		_, err = l.pool.Exec(l.t.Context(), `DELETE FROM event_inbox`)
		require.NoError(l.t, err)
		require.EqualValues(l.t, 1, l.purged().Deleted)
	}},
	{"the clock of another machine is years ahead", brief, func(l *life) {
		l.applied()
		l.pass(day)
		r := l.purge(time.Now().AddDate(10, 0, 0))
		require.Zero(l.t, r.Deleted+r.Payloads)
		l.has(inorder.Applied, "with")
	}},
}

func TestWhatIsKeptHowLong(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, tc := range lives { // one after the other, because time passes for everything in the tables
		t.Run(tc.name, func(t *testing.T) {
			tc.goes(newLife(&store{Activities: s.Activities, t: t, pool: s.pool}, tc.settings))
		})
	}
}
