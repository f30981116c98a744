package main

import (
	"bufio"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// The server answers only the line "end". The client sends three lines before it waits for the answer: one round trip.
func TestTheProxyCountsRoundTrips(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		conn, err := server.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if lines.Text() == "end" {
				_, _ = conn.Write([]byte("answer\n"))
			}
		}
	}()
	p, behind, err := newProxy("postgres://" + server.Addr().String() + "/inorder")
	require.NoError(t, err)
	t.Cleanup(p.close)
	require.Equal(t, "postgres://"+p.Addr().String()+"/inorder", behind)

	client, err := net.Dial("tcp", p.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	answers := bufio.NewReader(client)
	for range 3 {
		for _, line := range []string{"a\n", "b\n", "end\n"} {
			_, err := client.Write([]byte(line))
			require.NoError(t, err)
		}
		_, err := answers.ReadString('\n')
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, p.count.Load())
}
