package stack

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program that asks the system for any port must not get one that FreePort has returned for another program.
func TestFreePortsAreNoneThatTheSystemHandsOut(t *testing.T) {
	for range 200 {
		port, err := FreePort()
		require.NoError(t, err)
		require.Less(t, port, 32_768, "where Linux begins")
		require.Greater(t, port, 1023)
	}
}

// Otherwise two tests could get the same port before either program listens, and the second program would find it taken.
func TestAFreePortIsGivenToNobodyElse(t *testing.T) {
	const n = 200
	given := map[string]bool{}
	for range n {
		port, err := FreePort()
		require.NoError(t, err)
		given[strconv.Itoa(port)] = true
	}
	require.Equal(t, n, len(given), "in this process")
	if os.Getenv("INORDER_GIVE_PORTS") != "" {
		for port := range given {
			fmt.Println("given", port)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "INORDER_GIVE_PORTS=yes")
	out, err := cmd.Output()
	require.NoError(t, err)
	others := 0
	for line := range strings.Lines(string(out)) {
		if port, ok := strings.CutPrefix(strings.TrimSpace(line), "given "); ok {
			require.NotContains(t, given, port, "in another process")
			others++
		}
	}
	require.Equal(t, n, others)
}
