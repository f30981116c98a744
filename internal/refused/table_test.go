package refused

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// However many rows there were, these stay: the newest, and the first of the last day, of each reason, each evidence and each address.
func TestTheTableIsBounded(t *testing.T) {
	t.Parallel()
	db := testenv.Database(t)
	count := func(where string) (n int) {
		require.NoError(t, db.QueryRow(t.Context(), `SELECT count(*) FROM refused_deliveries WHERE `+where).Scan(&n))
		return n
	}
	const insert = `INSERT INTO refused_deliveries (at, reason, status, evidence, client, network, causes, summary, advice) SELECT `
	for _, sql := range []string{
		insert + `now() - i * interval '1 second', 'bad_signature', 401, 'none', i::text, i::text, '{no_match}', 's', 'a' FROM generate_series(1, 3000) i`,
		insert + `now() - interval '2 days', 'bad_signature', 401, 'none', 'old', 'old' || i, '{no_match}', 's', 'a' FROM generate_series(1, 1000) i`,
		insert + `now() - i * interval '1 second', 'bad_signature', 401, 'address', 'one', 'one', '{no_match}', 's', 'a' FROM generate_series(1, 1000) i`,
		insert + `now() - i * interval '1 second', r, 401, 'secret', 'one', 'one', '{no_match}', 's', 'a' FROM generate_series(1, 3) i, unnest('{bad_event,too_large,unavailable}'::text[]) r`,
	} {
		_, err := db.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	table := Table{db}
	deleted, err := table.Trim(t.Context())
	require.NoError(t, err)
	require.Positive(t, deleted)
	require.Equal(t, 2*keptOfKind, count(`evidence = 'none'`))
	require.Equal(t, keptOfKind, count(`evidence = 'none' AND at > now() - interval '10 minutes'`), "the newest")
	require.Equal(t, keptOfKind, count(`evidence = 'none' AND client = network AND network::int > 2700`), "the first of the day")
	require.Zero(t, count(`client = 'old'`))
	require.Equal(t, 2*keptOfPlace, count(`evidence = 'address'`))
	require.Equal(t, 9, count(`evidence = 'secret'`))
	deleted, err = table.Trim(t.Context())
	require.NoError(t, err)
	require.Zero(t, deleted)
}

// A row takes no more than it may, whatever a stranger sends.
func TestARowIsBounded(t *testing.T) {
	t.Parallel()
	db := testenv.Database(t)
	d := of(body, "Content-Type", strings.Repeat("a", 60)+"/"+strings.Repeat("b", 60), "Content-Encoding", strings.Repeat("gzip, ", 6)+"gzip", "User-Agent", strings.Repeat("a", 3000)+"/1")
	for i := range 2000 {
		d.Header["X-"+strings.Repeat("a", i%38)+string(rune('a'+i%26))] = []string{"x"}
	}
	s, _ := sampleOf(Refusal{Delivery: d, Reason: BadEvent, Status: 400, Detail: strings.Repeat("why ", 5000)}, Secrets{Keys: keys}, false)
	s.Source = strings.Repeat("s", 500)
	require.Len(t, s.HeaderNames, maxNames)
	require.NoError(t, Table{db}.Insert(t.Context(), s))
	var size int
	require.NoError(t, db.QueryRow(t.Context(), `SELECT pg_column_size(r.*) FROM refused_deliveries r`).Scan(&size))
	require.Less(t, size, 4<<10)
	s.Advice = strings.Repeat("a", 7000)
	require.ErrorContains(t, Table{db}.Insert(t.Context(), s), "refused_deliveries_size")
}
