package listen

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"inorder/internal/delivery"
	"inorder/internal/webhooks"
)

// Tunnel leads from a public URL to this process. Open opens it; when its listener fails, it is opened again, and may then
// have another URL.
type Tunnel interface {
	Open(context.Context) (Opened, error)
}

// Opened is an open tunnel. Closing its listener closes it.
type Opened struct {
	net.Listener
	URL string // public
}

// Public is a tunnel that somebody else runs, such as cloudflared or tailscale funnel: it leads from URL to Addr.
type Public struct {
	URL  string
	Addr string // on this machine
}

// Open listens on Addr.
func (p Public) Open(ctx context.Context) (Opened, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", p.Addr)
	if err != nil {
		return Opened{}, fmt.Errorf("listen on %s, where the tunnel of --public-url must lead; choose another --addr if it is taken: %w", p.Addr, err)
	}
	return Opened{l, p.URL}, nil
}

// endpoint returns the URL that the platform must deliver to, or an error if the platform would refuse it.
func endpoint(public string) (string, error) {
	return webhooks.CheckURL(strings.TrimRight(public, "/") + delivery.Path)
}

// sameURL reports whether two URLs lead to the same place. All loopback addresses are one.
func sameURL(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	if err != nil || err2 != nil || u.Path != v.Path || u.Port() != v.Port() {
		return false
	}
	return u.Hostname() == v.Hostname() || webhooks.IsLoopback(u.Hostname()) && webhooks.IsLoopback(v.Hostname())
}
