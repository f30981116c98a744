package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/retention"
	"inorder/migrations"
)

func TestEachTriggerOfTheAuditIsMissed(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	rows, err := pool.Query(t.Context(), "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass AND NOT tgisinternal")
	require.NoError(t, err)
	var trigger string
	var triggers []string
	for rows.Next() {
		require.NoError(t, rows.Scan(&trigger))
		triggers = append(triggers, trigger)
	}
	require.NoError(t, rows.Err())
	require.Len(t, triggers, 2)
	for _, trigger := range triggers {
		_, err := pool.Exec(t.Context(), "ALTER TABLE audit_log DISABLE TRIGGER "+trigger)
		require.NoError(t, err)
		found := Postgres{Pool: pool, Within: patient}.Examine(t.Context())
		requireFinding(t, found, "privileges", Failed, "is disabled: "+trigger)
		require.Equal(t, "ALTER TABLE audit_log ENABLE TRIGGER "+trigger+".", named(found, "privileges")[0].Do)
		_, err = pool.Exec(t.Context(), strings.TrimSuffix(named(found, "privileges")[0].Do, "."))
		require.NoError(t, err)
		require.NotEqual(t, Failed, named(Postgres{Pool: pool, Within: patient}.Examine(t.Context()), "privileges")[0].Status, "what it said to do")
	}
	_, err = pool.Exec(t.Context(), "ALTER TABLE audit_log DISABLE TRIGGER "+triggers[0]+"; DROP TRIGGER "+triggers[1]+" ON audit_log")
	require.NoError(t, err)
	found := named(Postgres{Pool: pool, Within: patient}.Examine(t.Context()), "privileges")
	require.Equal(t, []string{"the trigger that keeps audit_log append-only is disabled: " + triggers[0], "the trigger that keeps audit_log append-only is missing: " + triggers[1]},
		[]string{found[0].Says, found[1].Says})
}

func TestAnAuditThatIsKeptForTooShort(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	examine := func(events time.Duration) []Finding {
		return Postgres{Pool: pool, Retention: retention.Settings{Events: events}, Within: patient}.Examine(t.Context())
	}
	requireFinding(t, examine(720*time.Hour), "audit", OK, "for ever")
	_, err := migrations.KeepAudit(t.Context(), pool, 1440*time.Hour)
	require.NoError(t, err)
	requireFinding(t, examine(720*time.Hour), "audit", OK, "1440h")
	found := examine(721 * time.Hour) // raised at the workers, and no migrate since
	requireFinding(t, found, "audit", Failed, "1440h is shorter than EVENT_RETENTION, 721h")
	require.Contains(t, named(found, "audit")[0].Do, "AUDIT_RETENTION=1441h")
}
