package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

type envelope struct {
	ID, Type string
	Data     struct {
		ID      string
		OrderID string `json:"order_id"`
	}
}

func TestHistoriesAreMixed(t *testing.T) {
	const n = 1000
	deliveries := histories(n)
	require.Len(t, deliveries, n+n/10)

	created, seen := map[string]bool{}, map[string]bool{}
	completed := map[string]bool{}
	existing, again, early, late := 0, 0, 0, 0
	for _, d := range deliveries {
		var e envelope
		require.NoError(t, json.Unmarshal(d.body, &e))
		order := e.Data.OrderID
		if order == "" {
			order = e.Data.ID
		}
		switch {
		case seen[e.ID]:
			again++
		case e.Type == "order.created":
			created[order] = true
		case !created[order]:
			early++
		default:
			existing++
			if e.Type == "order.confirmed" && completed[order] {
				late++
			}
		}
		completed[order] = completed[order] || e.Type == "order.completed"
		seen[e.ID] = true
	}
	require.Len(t, seen, n)
	require.Equal(t, n/10, again)
	require.Equal(t, n/2, existing+early)
	require.Equal(t, n/10, early+late)
	require.Equal(t, early, late)
}
