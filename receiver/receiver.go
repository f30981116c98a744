// Package receiver is the HTTP edge: it takes the platform's deliveries, and answers 200 only once the event is durable.
package receiver

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"
	fiberrecover "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/valyala/fasthttp"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/internal/delivery"
	"inorder/internal/loglimit"
	"inorder/internal/ready"
	"inorder/internal/telemetry"
	"inorder/internal/traffic"
)

// Starter starts workflows. A Temporal client is one.
type Starter interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

// Verifier has the secrets that are valid now.
type Verifier interface {
	// Verify reports whether signature is that of the untouched body under one of the secrets. It is called for every delivery,
	// concurrently, so it must not block. It must not keep the body.
	Verify(body []byte, signature string) bool
}

// Options are what a receiver needs.
type Options struct {
	Starter Starter
	// StarterName is the Starter's name in the log, such as "Temporal at 127.0.0.1:7233". Default "Temporal".
	StarterName string
	TaskQueue   string
	Verifier    Verifier

	// MaxBodyBytes is the size of the largest body that is read. Default 1 MiB; Temporal itself refuses more than about 2 MiB.
	MaxBodyBytes int

	// MaxBodyMemory is how many bytes the bodies of all requests may take together. When it is spent, the request with the
	// oldest unfinished body is answered 503. Default 64 MiB, and at least 2 * MaxBodyBytes.
	MaxBodyMemory int

	// MaxConnections is how many connections may be open. It is lowered if the process may not open that many files. To admit
	// one more, the oldest connection without an authentic delivery is closed. Default 4096.
	MaxConnections int

	// StartTimeout is how long Temporal may take to make an event durable, after which the answer is 503. Temporal's
	// SDK gives one call half of it, but at least a second. Default 10 s: together with the time that a slow body may take,
	// it stays below the 30 s after which the platform gives up.
	StartTimeout time.Duration

	// MaxStarts is how many events are handed to Temporal at once. Further events go into the Inbox or, without one, wait for
	// their turn within StartTimeout. Default 16: a burst that reaches a small Temporal server as a whole costs it more time than
	// the events lose by waiting here.
	MaxStarts int

	// Inbox is the second way in. nil: Temporal is the only way in.
	Inbox Inbox

	// ShutdownTimeout is how long answering the accepted requests may take once the receiver stops.
	// Default: the longest that a request may take, which is StartTimeout + 15 s.
	ShutdownTimeout time.Duration

	// Ready answers ready.Path. Default: always ready.
	Ready *ready.Prober

	// Duplicate, if set, is called with every event that is answered as a duplicate. It must not wait, and must not keep the body.
	Duplicate func(inorder.Event)

	// Refused keeps samples of refused deliveries. nil: nothing is kept.
	Refused Refused

	// TrustedProxies are the proxies whose X-Forwarded-For is believed for the address of a sample. Each must be masked, and IPv4 unmapped.
	TrustedProxies []netip.Prefix

	Metrics *Metrics           // default: metrics that aren't registered
	Traffic *traffic.Recorder  // nil: nothing is counted
	Tracing *telemetry.Tracing // nil: nothing is traced

	Log *slog.Logger
	Now func() time.Time // default time.Now
}

// Receiver serves the platform's deliveries, and the probes ready.HealthPath and ready.Path.
type Receiver struct {
	o        Options
	app      *fiber.App
	route    fasthttp.RequestHandler // the app's own
	log      *loglimit.Logger        // for every line that a sender or an outage can multiply
	signed   *bodies                 // of requests with a well-formed signature
	unsigned *bodies                 // of all others
	ways     ways
}

const (
	defaultMaxBodyBytes   = 1 << 20
	defaultMaxBodyMemory  = 64 << 20
	defaultMaxConnections = 4096
	defaultStartTimeout   = 10 * time.Second
	defaultMaxStarts      = 16

	// A request must arrive as a whole within readTimeout, which bounds how long a slow client can hold a connection.
	readTimeout  = 10 * time.Second
	writeTimeout = 5 * time.Second
	// Longer than the 60 s of common load balancers, so that they, and not we, close an idle connection: our closing it
	// could cross a request.
	idleTimeout = 75 * time.Second

	// Proxies may add large headers; larger ones than this are answered 431. Every connection holds a buffer of this size.
	maxHeaderBytes = 8 << 10
)

// New returns a receiver that does not listen yet.
func New(o Options) *Receiver {
	o = o.withDefaults()
	log := loglimit.New(o.Log, loglimit.Every)
	if o.Ready == nil {
		o.Ready = ready.New(nil, log)
	}
	unsigned := o.MaxBodyMemory / unsignedShare
	r := &Receiver{
		o:        o,
		log:      log,
		signed:   newBodies(o.MaxBodyBytes, o.MaxBodyMemory-unsigned),
		unsigned: newBodies(o.MaxBodyBytes, unsigned),
		ways:     ways{engine: newEngine(o), inbox: o.Inbox, now: o.Now},
	}
	r.app = fiber.New(fiber.Config{
		// The handler reads the body: see bodies. BodyLimit doesn't limit the body; it is how much the server reads before the
		// handler runs, and must be at least one byte.
		StreamRequestBody: true,
		BodyLimit:         1,
		ReadBufferSize:    maxHeaderBytes,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorHandler:      r.refuse,
		CaseSensitive:     true,
		StrictRouting:     true,
		// The server would parse a multipart body while it reads it, but the signature is over the raw bytes.
		DisablePreParseMultipartForm: true,
		DisableStartupMessage:        true,
	})
	server := r.app.Server()
	r.route, server.Handler = server.Handler, r.handle
	server.ConnState = connState
	server.HeaderReceived = r.headerReceived
	server.ExpectHandler = r.expect
	r.app.Use(fiberrecover.New(fiberrecover.Config{EnableStackTrace: true, StackTraceHandler: r.logPanic}))
	receive := r.receive
	if o.Tracing != nil {
		receive = r.traced
	}
	r.app.Post(delivery.Path, receive)
	r.app.Get(ready.HealthPath, func(c *fiber.Ctx) error { return c.SendString("alive") })
	r.app.Get(ready.Path, r.ready)
	return r
}

func (o Options) withDefaults() Options {
	setDefault(&o.StarterName, "Temporal")
	setDefault(&o.MaxBodyBytes, defaultMaxBodyBytes)
	setDefault(&o.MaxBodyMemory, defaultMaxBodyMemory)
	o.MaxBodyMemory = max(o.MaxBodyMemory, 2*o.MaxBodyBytes)
	setDefault(&o.MaxConnections, defaultMaxConnections)
	setDefault(&o.StartTimeout, defaultStartTimeout)
	setDefault(&o.MaxStarts, defaultMaxStarts)
	setDefault(&o.ShutdownTimeout, readTimeout+o.StartTimeout+writeTimeout)
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault[T cmp.Ordered](value *T, fallback T) {
	var zero T
	if *value <= zero {
		*value = fallback
	}
}

// handle answers a request. While the process stops, the answer asks the client not to use the connection again.
func (r *Receiver) handle(ctx *fasthttp.RequestCtx) {
	r.route(ctx)
	if c := connOf(ctx); c != nil && c.listener.stopping.Load() {
		ctx.SetConnectionClose()
	}
}

// connState tells the connection that its answer has been written. The server calls it only if the connection stays open.
func connState(c net.Conn, state fasthttp.ConnState) {
	if c, ok := c.(*conn); ok && state == fasthttp.StateIdle {
		c.answered()
	}
}

func (r *Receiver) logPanic(_ *fiber.Ctx, cause any) {
	r.log.Log(slog.LevelError, "panic", "a handler panicked", "cause", cause, "stack", string(debug.Stack()))
}
