package standin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

func TestFaultsAreSetByName(t *testing.T) {
	var f standin.Faults
	for _, a := range []string{"drop=0.05", "duplicate=10%", "429=next:3", "5xx=1", "delay_ms=2s", "hold_ms=20", "retry_after=2", "seed=7"} {
		require.NoError(t, f.Set(a), a)
	}
	want := standin.Faults{Drop: standin.Fault{Share: 0.05}, Duplicate: standin.Fault{Share: 0.1}, RateLimit: standin.Fault{Next: 3},
		ServerError: standin.Fault{Share: 1}, DelayMillis: 2000, HoldMillis: 20, RetryAfter: "2", Seed: 7}
	require.Equal(t, want, f)

	var again standin.Faults
	for _, a := range f.Assignments() {
		require.NoError(t, again.Set(a), a)
	}
	require.Equal(t, f, again)
	require.NoError(t, f.Set("drop=0"))
	require.NotContains(t, f.Assignments(), "drop=0.05")
	require.Empty(t, standin.Faults{}.Assignments())
}

func TestFaultsThatCannotBeSet(t *testing.T) {
	for assignment, says := range map[string]string{
		"drop": "NAME=VALUE", "dorp=0.1": "unknown fault", "drop=3": "share from 0 to 1", "drop=-0.1": "share", "drop=NaN": "share",
		"drop=next:x": "whole number", "drop=next:-1": "whole number", "delay_ms=soon": "milliseconds", "slow_ms=-1": "milliseconds", "seed=x": "seed=x",
	} {
		var f standin.Faults
		require.ErrorContains(t, f.Set(assignment), says, assignment)
	}
}
