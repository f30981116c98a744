package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.ngrok.com/ngrok/v2"
)

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

// explain returns an error of one line, without the token, which ngrok's service repeats.
func (n Ngrok) explain(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if n.Authtoken != "" {
		text = strings.ReplaceAll(text, n.Authtoken, "…")
	}
	return fmt.Errorf("open a tunnel of ngrok (check NGROK_AUTHTOKEN and the network, or use another tunnel by --public-url): %s", text)
}
