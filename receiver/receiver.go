// Package receiver is the HTTP edge: it takes the platform's deliveries, and answers 200 only once the event is durable.
package receiver

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"
	fiberrecover "github.com/gofiber/fiber/v2/middleware/recover"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/singleflight"
)

// The names on the wire.
const (
	WebhookPath = "/webhooks/hc"
	HealthPath  = "/healthz"
	ReadyPath   = "/readyz"

	// ResultHeader tells the sender of a 200 what became of the delivery.
	ResultHeader    = "Inorder-Result"
	ResultAccepted  = "accepted"  // new, and durable now
	ResultDuplicate = "duplicate" // accepted before
)

// Starter starts workflows. The Temporal client is one.
type Starter interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

// Verifier knows the signing secrets that are valid now.
type Verifier interface {
	// Verify reports whether one of them made the signature of the untouched body; without any, none did. It is called for
	// every delivery, concurrently, so it must not wait for anything; and the body is not its to keep.
	Verify(body []byte, signature string) bool
}

// Options are what a receiver needs.
type Options struct {
	Starter   Starter
	TaskQueue string
	Verifier  Verifier

	// MaxBodyBytes is the largest body that is read. Default 1 MiB; Temporal by itself refuses more than about 2 MiB.
	MaxBodyBytes int

	// StartTimeout is how long Temporal may take to make an event durable, after which the answer is 503. Temporal's
	// SDK gives one call half of it, and at least a second. Default 10 s: with the time a slow body may take, it stays
	// below the 30 s after which the platform gives up.
	StartTimeout time.Duration

	// MaxStarts is how many events are handed to Temporal at once; more wait for their turn, within StartTimeout. Default
	// 16: a burst that reaches a small Temporal server as a whole makes it lose more time than the queue here costs.
	MaxStarts int

	// ShutdownTimeout is how long requests that were accepted may take to be answered once the receiver stops.
	// Default: what the slowest may take, which is StartTimeout and 15 s.
	ShutdownTimeout time.Duration

	// Checks are what ReadyPath looks at, by the name that it shows.
	Checks map[string]Check

	Log *slog.Logger
	Now func() time.Time // default time.Now
}

// Receiver serves the platform's deliveries, and the probes.
type Receiver struct {
	o      Options
	app    *fiber.App
	probe  singleflight.Group
	starts chan struct{} // holds one for each start under way
}

const (
	defaultMaxBodyBytes = 1 << 20
	defaultStartTimeout = 10 * time.Second
	defaultMaxStarts    = 16

	// A request must have arrived as a whole in readTimeout, which is what a client that sends slowly can hold.
	readTimeout  = 10 * time.Second
	writeTimeout = 5 * time.Second
	// Longer than the 60 s of common load balancers, so that they, and not we, close an idle connection: what closes
	// it may cross a request.
	idleTimeout = 75 * time.Second

	// What proxies add to the headers may be large; what is larger still is answered 431.
	maxHeaderBytes = 16 << 10
)

// New returns a receiver that does not listen yet.
func New(o Options) *Receiver {
	if o.MaxBodyBytes <= 0 {
		o.MaxBodyBytes = defaultMaxBodyBytes
	}
	if o.StartTimeout <= 0 {
		o.StartTimeout = defaultStartTimeout
	}
	if o.MaxStarts <= 0 {
		o.MaxStarts = defaultMaxStarts
	}
	if o.ShutdownTimeout <= 0 {
		o.ShutdownTimeout = readTimeout + o.StartTimeout + writeTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Receiver{o: o, starts: make(chan struct{}, o.MaxStarts)}
	r.app = fiber.New(fiber.Config{
		BodyLimit:      o.MaxBodyBytes,
		ReadBufferSize: maxHeaderBytes,
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		ErrorHandler:   r.refuse,
		CaseSensitive:  true,
		StrictRouting:  true,
		// A multipart body would be taken apart while it is read, and the signature is over its bytes.
		DisablePreParseMultipartForm: true,
		DisableStartupMessage:        true,
	})
	r.app.Server().CloseOnShutdown = true // tells clients not to use the connection again
	r.app.Use(fiberrecover.New(fiberrecover.Config{EnableStackTrace: true, StackTraceHandler: r.logPanic}))
	r.app.Post(WebhookPath, r.receive)
	r.app.Get(HealthPath, func(c *fiber.Ctx) error { return c.SendString("alive") })
	r.app.Get(ReadyPath, r.ready)
	return r
}

func (r *Receiver) logPanic(_ *fiber.Ctx, cause any) {
	r.o.Log.Error("a handler panicked", "cause", cause, "stack", string(debug.Stack()))
}
