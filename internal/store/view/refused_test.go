package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/store/view"
)

func TestRefusedDeliveriesByEachFilter(t *testing.T) {
	s := newTables(t)
	for _, r := range []struct {
		reason string
		minute int
	}{{"bad_signature", 1}, {"too_large", 2}, {"bad_signature", 3}, {"bad_event", 3}, {"bad_signature", 3}, {"unavailable", 5}} {
		s.exec(`INSERT INTO refused_deliveries (at, reason, status, evidence, client, network, causes, summary, advice, body_hash) VALUES ($1, $2, 401, 'none', '192.0.2.1', '192.0.2.1/32', '{missing}', 's', 'a', '\xab')`, at(r.minute), r.reason)
	}
	for name, c := range map[string]struct {
		q    api.RefusedQuery
		want []int64
	}{
		"all":                {api.RefusedQuery{}, []int64{6, 5, 4, 3, 2, 1}},
		"reason":             {api.RefusedQuery{Reason: "bad_signature"}, []int64{5, 3, 1}},
		"after":              {api.RefusedQuery{After: at(3)}, []int64{6, 5, 4, 3}},
		"before":             {api.RefusedQuery{Before: at(3)}, []int64{2, 1}},
		"all at once":        {api.RefusedQuery{Reason: "bad_signature", After: at(2), Before: at(4)}, []int64{5, 3}},
		"none of the reason": {api.RefusedQuery{Reason: "too_large", After: at(3)}, nil},
	} {
		for _, size := range []int{1, 2, 50} {
			var ids []int64
			for pages := 0; pages == 0 || c.q.Cursor != ""; pages++ {
				c.q.Limit = size
				page, err := s.Refusals(t.Context(), c.q)
				require.NoError(t, err)
				for _, r := range page.Data {
					ids = append(ids, r.ID)
				}
				c.q.Cursor = page.NextCursor
			}
			require.Equal(t, c.want, ids, "%s, pages of %d", name, size)
		}
	}
	r, found, err := s.Refused(t.Context(), 2)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, api.Refused{ID: 2, At: at(2), Reason: "too_large", Status: 401, Evidence: "none", Client: "192.0.2.1", Network: "192.0.2.1/32", Causes: []string{"missing"},
		Summary: "s", Advice: "a", BodyHash: "ab", HeaderNames: []string{}}, r)
	_, found, err = s.Refused(t.Context(), 99)
	require.NoError(t, err)
	require.False(t, found)
	for _, cursor := range []string{"x", view.Position{At: at(1), ID: "one"}.Cursor()} {
		_, err = s.Refusals(t.Context(), api.RefusedQuery{ListQuery: api.ListQuery{Limit: 5, Cursor: cursor}})
		require.ErrorIs(t, err, view.ErrCursor)
	}
}
