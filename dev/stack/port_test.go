package stack

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A program that listens on any port must not get the one that another is about to listen on.
func TestFreePortsAreNoneThatTheSystemHandsOut(t *testing.T) {
	for range 200 {
		port, err := FreePort()
		require.NoError(t, err)
		require.Less(t, port, 32_768, "where Linux begins")
		require.Greater(t, port, 1023)
	}
}
