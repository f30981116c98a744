package doctor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestClocks(t *testing.T) {
	for _, tc := range []struct {
		off    time.Duration
		status Status
	}{{0, OK}, {900 * time.Millisecond, OK}, {-900 * time.Millisecond, OK}, {3 * time.Second, Note}, {-3 * time.Second, Note}, {time.Minute, Failed}, {-time.Hour, Failed}} {
		f := Clock("clock", noon.Add(5*time.Millisecond+tc.off), noon, noon.Add(10*time.Millisecond))
		require.Equal(t, tc.status, f.Status, tc.off)
	}
	// An answer that took a minute says nothing about the clock.
	require.Equal(t, OK, Clock("clock", noon, noon, noon.Add(time.Minute)).Status)
	require.Contains(t, Clock("clock", noon.Add(time.Hour), noon, noon).Says, "1h0m0s ahead of this machine's")
	require.Contains(t, Clock("clock", noon.Add(-time.Hour), noon, noon).Says, "1h0m0s behind this machine's")
}

func TestWhatCannotBeAskedIsANote(t *testing.T) {
	found := Examine(t.Context(), time.Millisecond, Check{"first", func(context.Context) ([]Finding, error) { return []Finding{Well("first", "")}, nil }},
		Check{"second", func(ctx context.Context) ([]Finding, error) { <-ctx.Done(); return nil, ctx.Err() }},
		Check{"third", func(context.Context) ([]Finding, error) {
			return []Finding{Well("third", "")}, errors.New("the rest\nwas not")
		}})
	require.Len(t, found, 4)
	require.Equal(t, []Status{OK, Note, OK, Note}, []Status{found[0].Status, found[1].Status, found[2].Status, found[3].Status})
	require.Equal(t, "not checked: the rest; was not", found[3].Says)
}

func TestSecrets(t *testing.T) {
	known := func(name string, ends time.Duration) secrets.Known {
		k := secrets.Known{Name: name}
		if ends != 0 {
			k.Ends = noon.Add(ends)
		}
		return k
	}
	for name, tc := range map[string]struct {
		known    []secrets.Known
		verified map[string]time.Time
		status   Status
		says     string
	}{
		"none":           {nil, nil, Failed, "none is valid"},
		"ended":          {[]secrets.Known{known("a", -time.Second)}, nil, Failed, "none is valid"},
		"ends soon":      {[]secrets.Known{known("a", time.Hour), known("b", 2*time.Hour)}, nil, Failed, "the last one, b, ends in 2 hours"},
		"has a heir":     {[]secrets.Known{known("a", time.Hour), known("b", 0)}, map[string]time.Time{"a": noon.Add(-time.Minute)}, OK, "valid: a, b; one verified a delivery 60 seconds ago"},
		"never verified": {[]secrets.Known{known("a", 0)}, map[string]time.Time{"z": noon}, Note, "none has verified"},
		"ends late":      {[]secrets.Known{known("a", 30*24*time.Hour)}, map[string]time.Time{"a": noon}, OK, "just now"},
	} {
		found := secretFindings(tc.known, tc.verified, noon)
		require.Len(t, found, 1, name)
		require.Equal(t, tc.status, found[0].Status, name)
		require.Contains(t, found[0].Says, tc.says, name)
	}
}

func TestWebhooks(t *testing.T) {
	record := webhooks.Record{ID: "wh_1", URL: "https://a.example", Events: []string{"*"}, IsActive: true}
	right := webhooks.Webhook{ID: "wh_1", URL: "https://a.example", Events: []string{"*"}, Active: true, Record: &record}
	inactive, gone := right, right
	inactive.Active, gone.Gone = false, true
	for name, tc := range map[string]struct {
		list   []webhooks.Webhook
		status Status
		says   string
	}{
		"right":    {[]webhooks.Webhook{right, {ID: "wh_of_others"}}, OK, "1 webhook at the platform, active"},
		"none":     {nil, Failed, "it delivers nothing"},
		"foreign":  {[]webhooks.Webhook{{ID: "wh_of_others"}}, Note, "none was registered from here"},
		"inactive": {[]webhooks.Webhook{inactive}, Failed, "wh_1 should be active"},
		"gone":     {[]webhooks.Webhook{gone}, Failed, "wh_1 deleted on the platform"},
	} {
		found := webhookFindings(tc.list)
		require.Len(t, found, 1, name)
		require.Equal(t, tc.status, found[0].Status, name)
		require.Contains(t, found[0].Says, tc.says, name)
		require.Equal(t, tc.status == OK, found[0].Do == "", name)
	}
}

// While PostgreSQL is away, it alone is at fault: the finding points neither to the platform nor to its key.
func TestWebhooksWithoutPostgres(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "postgres://inorder@127.0.0.1:1/inorder")
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	found := Examine(t.Context(), time.Minute, Webhooks(webhooks.Registrar{Store: webhooks.Store{Pool: pool}}))
	require.Len(t, found, 1)
	require.Equal(t, Note, found[0].Status)
	require.Contains(t, found[0].Says, "not checked: read the recorded webhooks")
	require.Empty(t, found[0].Do)
}
