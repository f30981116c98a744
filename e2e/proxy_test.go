package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/proxy"
)

// outage is a proxy between inorder and a server, which is unreachable until connect is called.
type outage struct {
	*proxy.Proxy
	mend func()
}

func newOutage(t *testing.T, target string) *outage {
	p, err := proxy.New(target)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return &outage{p, p.Cut()}
}

func (o *outage) connect() { o.mend() }
func (o *outage) cut()     { o.Cut() }
