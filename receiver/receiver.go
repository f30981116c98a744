// Package receiver is the HTTP edge: it verifies a delivery, lets Temporal make it durable, and answers.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/sdk/client"
)

// WebhookPath is where the platform posts.
const WebhookPath = "/webhooks/hc"

// Options are what a receiver needs.
type Options struct {
	Starter   Starter
	TaskQueue string
	Secrets   func() []string // those that are valid now; called for every delivery, so it must be quick

	MaxBodyBytes int
	// StartTimeout is how long Temporal may take to make an event durable before the platform is told to come
	// back. Default 10 s; the platform gives up at 30.
	StartTimeout time.Duration
	Checks       []Check // for /readyz
	Log          *slog.Logger
	Now          func() time.Time // default time.Now
}

// Starter starts workflows. A Temporal client is one.
type Starter interface {
	ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

const (
	defaultStartTimeout = 10 * time.Second
	// A delivery is small and its sender a server: one that takes longer to send it is not one.
	readTimeout = 20 * time.Second
	// How long an unused connection is kept. Longer than common load balancers do, so that they close first.
	idleTimeout = 75 * time.Second
	// All headers of a request together. Nobody documents what else the platform sends.
	headerBytes = 16 << 10
	// What was accepted is finished within this time of the signal to stop.
	shutdownTimeout = 15 * time.Second
)

// New returns the HTTP application.
func New(o Options) *fiber.App {
	if o.StartTimeout == 0 {
		o.StartTimeout = defaultStartTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	app := fiber.New(fiber.Config{
		AppName:               "inorder",
		DisableStartupMessage: true,
		BodyLimit:             o.MaxBodyBytes,
		ReadBufferSize:        headerBytes,
		ReadTimeout:           readTimeout,
		IdleTimeout:           idleTimeout,
		ErrorHandler:          errorHandler(o.Log),
	})
	app.Server().CloseOnShutdown = true
	h := handler{o}
	app.Post(WebhookPath, h.webhook)
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("OK") })
	app.Get("/readyz", h.ready)
	return app
}

// Serve listens on addr until ctx ends, and then finishes what was accepted.
func Serve(ctx context.Context, app *fiber.App, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on LISTEN_ADDR: %w", err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- app.Listener(l) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serve on LISTEN_ADDR: %w", err)
	case <-ctx.Done():
	}
	if err := app.ShutdownWithTimeout(shutdownTimeout); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}
