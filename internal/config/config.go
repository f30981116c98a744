// Package config is the one place that reads the environment.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"

	"inorder/internal/platform"
	"inorder/internal/retention"
)

// Config has every setting. The comments give the variable and its default. An empty variable counts as not set, because that is
// how compose files and shells write it.
type Config struct {
	ListenAddr      string         // LISTEN_ADDR 127.0.0.1:3000: the receiver
	AdminAddr       string         // ADMIN_ADDR 127.0.0.1:3001
	AdminToken      string         // ADMIN_TOKEN: opens the admin API to the actor admin; commands send it
	AdminTokensFile string         // ADMIN_TOKENS_FILE: more tokens, each with a name; read again when it changes
	WebhookSecrets  []string       // WEBHOOK_SECRETS, comma-separated; the first signs what `send` sends, any verifies
	SecretsFile     string         // WEBHOOK_SECRETS_FILE: more of them, one a line; read again when it changes
	MaxBodyBytes    int            // MAX_BODY_BYTES 1048576: the largest body
	MaxBodyMemory   int            // MAX_BODY_MEMORY 67108864: the bytes that all bodies together may take while they are read and answered
	MaxConnections  int            // MAX_CONNECTIONS 4096: the receiver's connections, at once
	TrustedProxies  []netip.Prefix // TRUSTED_PROXIES: whose X-Forwarded-For counts, for the address of a refused delivery
	ReceiverURL     string         // RECEIVER_URL http://127.0.0.1:3000: where `send` sends to

	Pool      *pgxpool.Config // DATABASE_URL; nil when not set
	Temporal  client.Options  // TEMPORAL_*, as every Temporal program reads them; without a logger
	TaskQueue string          // TASK_QUEUE inorder
	Inbox     string          // INBOX apply: what becomes of events that Temporal can't take in time; InboxApply, InboxWorkflow or InboxOff

	EventRetention    time.Duration // EVENT_RETENTION 720h: how long webhook_events rows are kept
	PayloadRetention  time.Duration // PAYLOAD_RETENTION, as EVENT_RETENTION: how long their payloads are kept
	RefusedRetention  time.Duration // REFUSED_RETENTION 168h: how long refused deliveries are kept
	AuditRetention    time.Duration // AUDIT_RETENTION 0: how long the audit is kept; zero for ever
	RedeliveryHorizon time.Duration // REDELIVERY_HORIZON 168h: how late the platform may deliver an event again
	PendingRecheck    time.Duration // PENDING_RECHECK 1m: after how long a waiting event first checks again whether its order is there
	StuckAfter        time.Duration // STUCK_AFTER 24h: from this age a waiting event is shown as stuck
	PendingTTL        time.Duration // PENDING_TTL 720h, or EVENT_RETENTION if that is shorter: from this age it is given up
	ReconcileAfter    time.Duration // RECONCILE_AFTER 10m: from this age a waiting event asks the platform for its order
	MaxEventSkew      time.Duration // MAX_EVENT_SKEW 1h: how far ahead of its receipt an event may be dated

	PlatformKey platform.Secret // HEADLESS_COMMERCE_API_KEY
	PlatformURL string          // HEADLESS_COMMERCE_API_URL https://api.headlesscommerce.io/v1

	ReconcileEvery  time.Duration // RECONCILE_EVERY 1h: how often orders are compared with the platform's
	ReconcileWindow time.Duration // RECONCILE_WINDOW 72h: how long after its creation an order is compared, if it is no longer open
	HookAutorepair  bool          // HOOK_AUTOREPAIR false: whether a webhook that differs from what we registered is repaired
	NgrokAuthtoken  string        // NGROK_AUTHTOKEN, for `listen`

	TemporalUIURL string // TEMPORAL_UI_URL; "" when not set: commands then print no links to it
	AdminURL      string // ADMIN_URL; "" when not set: events in the Temporal UI then have no links to the admin API

	LogLevel  slog.Level // LOG_LEVEL info
	LogFormat string     // LOG_FORMAT text, or json

	Traces *Traces // OTEL_*; nil when nothing is traced
}

// The values of INBOX.
const (
	InboxApply    = "apply"    // they are applied from the inbox
	InboxWorkflow = "workflow" // each becomes a workflow, at Temporal's pace
	InboxOff      = "off"      // they are answered 503
)

// Need is a set of settings without a default that a command needs. All others are optional, but never malformed.
type Need uint

const (
	NeedDatabase Need = 1 << iota // DATABASE_URL
	NeedSecrets                   // WEBHOOK_SECRETS, WEBHOOK_SECRETS_FILE or DATABASE_URL: where the secrets are
	NeedPlatform                  // HEADLESS_COMMERCE_API_KEY
	NeedSigner                    // WEBHOOK_SECRETS
	NeedAdmin                     // ADMIN_TOKEN
)

// Error lists everything that is wrong with the environment. Each problem names its variable and gives an example of a right value.
// None shows a secret.
type Error struct{ Problems []string }

func (e *Error) Error() string {
	return "invalid settings in the environment:\n  - " + strings.Join(e.Problems, "\n  - ")
}

// Load reads the environment. Its error is an *Error.
func Load(need Need) (Config, error) {
	return load(need, environment{os.LookupEnv, os.Environ})
}

func load(need Need, env environment) (Config, error) {
	r := &reader{env: env}
	c := Config{
		ListenAddr:      r.address("LISTEN_ADDR", "127.0.0.1:3000"),
		AdminAddr:       r.address("ADMIN_ADDR", "127.0.0.1:3001"),
		AdminToken:      r.token("ADMIN_TOKEN", need&NeedAdmin != 0),
		AdminTokensFile: r.text("ADMIN_TOKENS_FILE", ""),
		WebhookSecrets:  r.secrets("WEBHOOK_SECRETS", need),
		SecretsFile:     r.text("WEBHOOK_SECRETS_FILE", ""),
		MaxBodyBytes:    r.integer("MAX_BODY_BYTES", 1<<20, 1, maxBodyBytes),
		MaxBodyMemory:   r.integer("MAX_BODY_MEMORY", 64<<20, 1, maxBodyMemory),
		MaxConnections:  r.integer("MAX_CONNECTIONS", 4096, 1, 1<<20),
		TrustedProxies:  r.prefixes("TRUSTED_PROXIES"),
		ReceiverURL:     r.webURL("RECEIVER_URL", "http://127.0.0.1:3000"),

		Pool:      r.postgres("DATABASE_URL", need&NeedDatabase != 0),
		Temporal:  r.temporal(),
		TaskQueue: r.text("TASK_QUEUE", "inorder"),
		Inbox:     r.oneOf("INBOX", InboxApply, InboxWorkflow, InboxOff),

		EventRetention:    r.duration("EVENT_RETENTION", 720*time.Hour),
		RedeliveryHorizon: r.duration("REDELIVERY_HORIZON", 168*time.Hour),
		PendingRecheck:    r.duration("PENDING_RECHECK", time.Minute),
		StuckAfter:        r.duration("STUCK_AFTER", 24*time.Hour),
		ReconcileAfter:    r.duration("RECONCILE_AFTER", 10*time.Minute),
		MaxEventSkew:      r.duration("MAX_EVENT_SKEW", time.Hour),

		PlatformKey: r.key("HEADLESS_COMMERCE_API_KEY", need&NeedPlatform != 0),
		PlatformURL: r.webURL("HEADLESS_COMMERCE_API_URL", "https://api.headlesscommerce.io/v1"),

		ReconcileEvery:  r.duration("RECONCILE_EVERY", time.Hour),
		ReconcileWindow: r.duration("RECONCILE_WINDOW", 72*time.Hour),
		HookAutorepair:  r.flag("HOOK_AUTOREPAIR"),
		NgrokAuthtoken:  r.text("NGROK_AUTHTOKEN", ""),

		TemporalUIURL: r.link("TEMPORAL_UI_URL", "http://127.0.0.1:8233"),
		AdminURL:      r.link("ADMIN_URL", "http://127.0.0.1:3001"),

		LogLevel:  r.level("LOG_LEVEL"),
		LogFormat: r.oneOf("LOG_FORMAT", "text", "json"),

		Traces: r.traces(),
	}
	r.retentions(&c)
	r.together(c)
	if len(r.problems) > 0 {
		return Config{}, &Error{r.problems}
	}
	return c, nil
}

// retentions reads the others. Two follow EVENT_RETENTION unless they are set: whoever lowers it need not know of them.
func (r *reader) retentions(c *Config) {
	c.RefusedRetention = r.duration("REFUSED_RETENTION", 168*time.Hour)
	c.AuditRetention = r.orForEver("AUDIT_RETENTION", 0)
	c.PayloadRetention = r.duration("PAYLOAD_RETENTION", c.EventRetention)
	c.PendingTTL = r.duration("PENDING_TTL", min(720*time.Hour, cmp.Or(c.EventRetention, 720*time.Hour)))
}

// maxBodyBytes leaves room for what Temporal keeps beside the body: it refuses inputs over 2 MiB.
const maxBodyBytes = 1_900_000

const maxBodyMemory = min(1<<40, math.MaxInt) // so that it is an int on 32 bits, too

// together checks settings against one another. A duration of zero was reported before.
func (r *reader) together(c Config) {
	if c.MaxBodyMemory > 0 && c.MaxBodyMemory < 2*c.MaxBodyBytes {
		r.problem("MAX_BODY_MEMORY", "%d is less than two bodies of MAX_BODY_BYTES, %d, need: large deliveries would be refused; raise it "+
			"to %d or more", c.MaxBodyMemory, c.MaxBodyBytes, 2*c.MaxBodyBytes)
	}
	for _, p := range c.Retention().Check() {
		r.problem(p.Setting, "%s", p.Text)
	}
}

// Retention returns the settings that say how long things are kept.
func (c Config) Retention() retention.Settings {
	return retention.Settings{
		Events: c.EventRetention, Payloads: c.PayloadRetention, Refused: c.RefusedRetention, Audit: c.AuditRetention, Redelivery: c.RedeliveryHorizon,
		PendingTTL: c.PendingTTL, StuckAfter: c.StuckAfter, AskAfter: c.ReconcileAfter, CompareOver: c.ReconcileWindow, CompareEach: c.ReconcileEvery,
	}
}

// IsError reports whether err is an *Error: a setting is invalid.
func IsError(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// Logger returns a logger with the level LOG_LEVEL and the format LOG_FORMAT.
func (c Config) Logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func (r *reader) problem(name, format string, args ...any) {
	r.problems = append(r.problems, name+": "+fmt.Sprintf(format, args...))
}
