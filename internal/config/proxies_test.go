package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrustedProxies(t *testing.T) {
	c, err := load(needAll, with("TRUSTED_PROXIES", "10.0.0.0/8, ::ffff:192.0.2.1,2001:db8::/32,::ffff:172.16.0.0/108"))
	require.NoError(t, err)
	require.Equal(t, "[10.0.0.0/8 192.0.2.1/32 2001:db8::/32 172.16.0.0/12]", fmt.Sprint(c.TrustedProxies))
	for _, value := range []string{"10.0.0.0/8,,10.1.0.0/16", "10.0.0.1/8", "10.0.0.0/33", "nginx", "10.0.0.1:80", "fe80::1%eth0", "::/0", "0.0.0.0/0", "::ffff:0:0/64", "::ffff:0:0/96"} {
		got := problems(t, needAll, with("TRUSTED_PROXIES", value))
		require.Len(t, got, 1, value)
		require.True(t, strings.HasPrefix(got[0], "TRUSTED_PROXIES: "), got[0])
		require.Contains(t, got[0], "for example")
	}
}
