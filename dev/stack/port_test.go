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

// A program that listens on any port must not get the one that another is about to listen on.
func TestFreePortsAreNoneThatTheSystemHandsOut(t *testing.T) {
	for range 200 {
		port, err := FreePort()
		require.NoError(t, err)
		require.Less(t, port, 32_768, "where Linux begins")
		require.Greater(t, port, 1023)
	}
}

// Else two tests are given the same one while neither program listens yet, and the second program finds it taken.
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
