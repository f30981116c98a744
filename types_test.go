package inorder_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
)

func TestEventTypes(t *testing.T) {
	all := inorder.EventTypes()
	require.True(t, slices.IsSorted(all))
	require.Len(t, slices.Compact(all), 23)
	all[0] = "changed"
	require.NotEqual(t, all, inorder.EventTypes(), "a caller gets a copy")
	require.NotContains(t, inorder.EventTypes(), inorder.TypeReconciled, "it is ours")
}
