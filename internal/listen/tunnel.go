package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"golang.ngrok.com/ngrok/v2"

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

// sameURL reports whether two URLs lead to the same place. All loopback addresses count as one.
func sameURL(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	if err != nil || err2 != nil || u.Path != v.Path || u.Port() != v.Port() {
		return false
	}
	return u.Hostname() == v.Hostname() || webhooks.IsLoopback(u.Hostname()) && webhooks.IsLoopback(v.Hostname())
}

// Ngrok is a tunnel of ngrok's service, opened in this process. Its session reconnects by itself, with the same URL; when it
// cannot, its listener fails, and opening it again may give another URL.
type Ngrok struct {
	Authtoken  string
	ConnectURL string // default: ngrok's own
	Log        *slog.Logger
}

// Open connects, for 30 seconds at most.
func (n Ngrok) Open(ctx context.Context) (Opened, error) {
	options := []ngrok.AgentOption{ngrok.WithAuthtoken(n.Authtoken), ngrok.WithLogger(n.Log)}
	if n.ConnectURL != "" {
		options = append(options, ngrok.WithAgentConnectURL(n.ConnectURL))
	}
	agent, err := ngrok.NewAgent(options...)
	if err != nil {
		return Opened{}, n.explain(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	l, err := agent.Listen(ctx, ngrok.WithMetadata("inorder listen"))
	if err != nil {
		return Opened{}, n.explain(errors.Join(err, agent.Disconnect()))
	}
	return Opened{ngrokListener{l, agent}, l.URL().String()}, nil
}

// ngrokListener ends the session when its only listener is closed.
type ngrokListener struct {
	ngrok.EndpointListener
	agent ngrok.Agent
}

func (l ngrokListener) Close() error {
	return errors.Join(l.EndpointListener.Close(), l.agent.Disconnect())
}

// explain returns a one-line error without the token, which ngrok's service repeats.
func (n Ngrok) explain(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if n.Authtoken != "" {
		text = strings.ReplaceAll(text, n.Authtoken, "…")
	}
	return fmt.Errorf("open an ngrok tunnel (check NGROK_AUTHTOKEN and the network, or use another tunnel with --public-url): %s", text)
}
