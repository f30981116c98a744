package ready

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
)

// The tests of e2e cover the errors of real connections.
func TestOnlyErrorsOfSettingsAreExplained(t *testing.T) {
	require.NoError(t, Explain(nil))
	away := serviceerror.NewUnavailable("dial tcp 127.0.0.1:7233: connect: connection refused")
	require.Equal(t, error(away), Explain(away))
	denied := serviceerror.NewPermissionDenied("Request unauthorized.", "")
	require.ErrorIs(t, Explain(denied), denied)
	require.ErrorContains(t, Explain(denied), "TEMPORAL_API_KEY")
	for _, s := range settings {
		require.ErrorContains(t, Explain(errors.New("connection error: "+s.text)), s.look)
	}
}
