package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuildsHaveNamesAndPrograms(t *testing.T) {
	all, err := parseNamed("pollers=2=bin/two; cache 8=bin/eight")
	require.NoError(t, err)
	require.Equal(t, []named{{"pollers=2", "bin/two"}, {"cache 8", "bin/eight"}}, all)

	_, err = parseNamed("bin/two")
	require.Error(t, err)
}

func TestEveryPaymentComesBeforeItsOrder(t *testing.T) {
	all := paymentsFirst(10)
	require.Len(t, all, 10)
	for i, d := range all {
		require.Contains(t, string(d.body), map[bool]string{true: "order.paid", false: "order.created"}[i < 5])
	}
}
