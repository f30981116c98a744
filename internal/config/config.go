// Package config reads the settings from the environment. It is the only code that does.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// Config are the settings. What a command does not need is not required of it, but is checked where it is set.
type Config struct {
	ListenAddr     string   // LISTEN_ADDR, of the receiver
	AdminAddr      string   // ADMIN_ADDR
	AdminToken     string   // ADMIN_TOKEN
	WebhookSecrets []string // WEBHOOK_SECRETS, all valid at once
	MaxBodyBytes   int      // MAX_BODY_BYTES

	Pool      *pgxpool.Config // DATABASE_URL; nil when it is not set
	Temporal  client.Options  // TEMPORAL_*
	TaskQueue string          // TASK_QUEUE

	EventRetention    time.Duration // EVENT_RETENTION: how long webhook_events rows are kept
	RedeliveryHorizon time.Duration // REDELIVERY_HORIZON: how late the platform may still redeliver
	PendingRecheck    time.Duration // PENDING_RECHECK: first pause between two looks of a waiting event
	StuckAfter        time.Duration // STUCK_AFTER: age from which a waiting event is shown as stuck
	PendingTTL        time.Duration // PENDING_TTL: age from which it is expired
	ReconcileAfter    time.Duration // RECONCILE_AFTER: age from which its order is fetched
	MaxEventSkew      time.Duration // MAX_EVENT_SKEW: how far after its receipt an event may be dated

	PlatformKey string // HEADLESS_COMMERCE_API_KEY
	PlatformURL string // HEADLESS_COMMERCE_API_URL

	LogLevel  slog.Level // LOG_LEVEL
	LogFormat string     // LOG_FORMAT, text or json
}

// Need is what a command cannot do without.
type Need int

const (
	NeedDatabase Need = 1 << iota
	NeedSecrets
)

// maxBody is what fits into a Temporal payload of 2 MiB, with room for what stands around it.
const maxBody = 1_900_000

// Load reads the environment. Its error names every setting that is wrong, what is wrong with it and what to write
// instead, and shows no value that may be secret.
func Load(need Need) (Config, error) {
	r := &reader{lookup: os.LookupEnv}
	c := Config{
		ListenAddr:     r.addr("LISTEN_ADDR", "127.0.0.1:3000"),
		AdminAddr:      r.addr("ADMIN_ADDR", "127.0.0.1:3001"),
		AdminToken:     r.text("ADMIN_TOKEN", ""),
		WebhookSecrets: r.secrets("WEBHOOK_SECRETS", need&NeedSecrets != 0),
		MaxBodyBytes:   r.integer("MAX_BODY_BYTES", 1<<20, 1, maxBody),
		TaskQueue:      r.text("TASK_QUEUE", "inorder"),

		EventRetention:    r.duration("EVENT_RETENTION", 720*time.Hour),
		RedeliveryHorizon: r.duration("REDELIVERY_HORIZON", 168*time.Hour),
		PendingRecheck:    r.duration("PENDING_RECHECK", time.Minute),
		StuckAfter:        r.duration("STUCK_AFTER", 24*time.Hour),
		PendingTTL:        r.duration("PENDING_TTL", 720*time.Hour),
		ReconcileAfter:    r.duration("RECONCILE_AFTER", 10*time.Minute),
		MaxEventSkew:      r.duration("MAX_EVENT_SKEW", time.Hour),

		PlatformKey: r.text("HEADLESS_COMMERCE_API_KEY", ""),
		PlatformURL: r.httpURL("HEADLESS_COMMERCE_API_URL", "https://api.headlesscommerce.io/v1"),
		LogFormat:   r.oneOf("LOG_FORMAT", "text", "json"),
	}
	_ = c.LogLevel.UnmarshalText([]byte(r.oneOf("LOG_LEVEL", "info", "debug", "warn", "error")))
	c.Pool = r.database("DATABASE_URL", need&NeedDatabase != 0)

	var err error
	if c.Temporal, err = envconfig.LoadDefaultClientOptions(); err != nil {
		r.problem("TEMPORAL_*", err.Error())
	}
	c.Temporal.Namespace = cmp.Or(c.Temporal.Namespace, client.DefaultNamespace)
	if c.EventRetention < c.RedeliveryHorizon {
		r.problem("EVENT_RETENTION", fmt.Sprintf("is %s, shorter than REDELIVERY_HORIZON (%s): the platform may redeliver an event after "+
			"its row is gone, and it would be applied again. Keep rows at least that long, for example 720h", c.EventRetention, c.RedeliveryHorizon))
	}
	if c.StuckAfter >= c.PendingTTL {
		r.problem("STUCK_AFTER", fmt.Sprintf("is %s, not shorter than PENDING_TTL (%s): events would expire before anybody sees them stuck. "+
			"Write for example 24h", c.StuckAfter, c.PendingTTL))
	}
	return c, r.err()
}

// Logger writes to standard error as LOG_LEVEL and LOG_FORMAT say.
func (c Config) Logger() *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// Error is every setting that is wrong, one line each.
type Error struct{ Problems []string }

func (e *Error) Error() string {
	return "wrong settings:\n  " + strings.Join(e.Problems, "\n  ")
}

// IsError reports whether err is about settings.
func IsError(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
