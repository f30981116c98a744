// Package secrets holds the secrets that verify deliveries now. They come from the setting WEBHOOK_SECRETS, from a file, and from
// the table webhook_secrets, which all receivers share; a secret becomes valid, and ends, without a restart. Package webhooks
// registers a webhook with its secret, and package delivery signs and verifies.
package secrets

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inorder/internal/delivery"
	"inorder/internal/platform"
)

// Shared is a store of secrets that receivers share, such as a Table.
type Shared interface {
	List(ctx context.Context) ([]Secret, error)
	Verified(ctx context.Context, name, source string, at time.Time) error
}

const (
	// PollEvery is the time between two polls of the file and the table.
	PollEvery = time.Second

	// short is the length in bytes below which a secret of the platform is probably cut off. Such a secret causes a
	// warning, which names it by its hash, and is not refused, because the platform may change the form of its secrets.
	short = 16

	// writeEvery is the shortest time between two writes of a secret's last use to the table.
	writeEvery = 5 * time.Second
)

// pollTimeout is how long a poll may take. Only tests change it.
var pollTimeout = KnownWithin / 2

// Options are a keyring's sources, any of which may be missing, and its logger and clock.
type Options struct {
	Secrets []string // WEBHOOK_SECRETS
	File    string   // WEBHOOK_SECRETS_FILE: its path
	Shared  Shared
	Log     *slog.Logger
	Now     func() time.Time // default time.Now
}

// Keyring holds the valid secrets. It is a receiver.Verifier, and a prometheus.Collector of what each secret verified.
type Keyring struct {
	fixed  []entry
	file   *file   // nil without a file
	shared *shared // nil without a table
	log    *slog.Logger
	now    func() time.Time

	valid atomic.Pointer[[]key] // these verify deliveries
	all   atomic.Pointer[known] // these, and those that have ended

	// Only the polling goroutine uses these.
	uses  map[string]*use // by the secret's name
	names string          // of the secrets that were valid after the last poll, for the log
}

// entry is a secret as one source has it.
type entry struct {
	secret       platform.Secret // "" if the source has only its name
	name, source string
	ends         time.Time // zero for no end
}

// key is a secret that verifies deliveries until its end.
type key struct {
	entry
	*use
}

// use is how often a secret verified a delivery, and when last. It outlives its key until the table has that time.
type use struct {
	from  string       // the first source that had the secret
	times atomic.Int64 // since this process began
	last  atomic.Int64 // in microseconds, as PostgreSQL keeps it; 0 for never

	// Only the polling goroutine uses these.
	written int64     // the last use that the table has
	tried   time.Time // when a write was last tried
}

// Load returns a keyring of what the sources have. A bad file is an error; an unreachable table isn't, and is retried: if a
// source can't be read, its last known secrets stay valid.
func Load(ctx context.Context, o Options) (*Keyring, error) {
	k := &Keyring{log: o.Log, now: o.Now, uses: map[string]*use{}, names: "unknown"}
	if k.now == nil {
		k.now = time.Now
	}
	for _, secret := range o.Secrets {
		k.fixed = append(k.fixed, entry{secret: platform.Secret(secret), name: Name(secret), source: "WEBHOOK_SECRETS"})
	}
	warnOfShort(k.log, k.fixed)
	if o.File != "" {
		k.file = newFile(o.File)
		if err := k.file.Open(); err != nil {
			return nil, err
		}
		warnOfShort(k.log, k.file.Entries())
	}
	if o.Shared != nil {
		k.shared = &shared{store: o.Shared}
	}
	k.poll(ctx)
	return k, nil
}

// warnOfShort logs which secrets are implausibly short: most likely a part of each was lost on the way.
func warnOfShort(log *slog.Logger, entries []entry) {
	for i, e := range entries {
		if len(e.secret) < short {
			log.Warn("a webhook secret is shorter than the platform's secrets: is it truncated? Deliveries signed with the full secret are refused",
				"setting", e.source, "number", i+1, "of", len(entries), "secret", e.name, "characters", len(e.secret))
		}
	}
}

// Verify reports whether a secret that is valid at this moment signed the body. It takes no lock and does no I/O.
func (k *Keyring) Verify(body []byte, signature string) bool {
	now := k.now()
	for _, key := range *k.valid.Load() {
		if key.endedAt(now) || !delivery.Verify(string(key.secret), body, signature) {
			continue
		}
		key.times.Add(1)
		key.usedAt(now.UnixMicro())
		return true
	}
	return false
}

func (e entry) endedAt(now time.Time) bool { return !e.ends.IsZero() && !now.Before(e.ends) }

// usedAt records a use at that time, in microseconds, unless a later one is known.
func (u *use) usedAt(at int64) {
	for {
		last := u.last.Load()
		if at <= last || u.last.CompareAndSwap(last, at) {
			return
		}
	}
}

// Watch polls the sources every PollEvery until stop is called. stop returns when the last uses are written.
func (k *Keyring) Watch() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(PollEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				k.poll(context.Background())
			case <-quit:
				ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
				defer cancel()
				k.writeUses(ctx, 0)
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// poll reads all sources again, merges them and writes the last uses, all within pollTimeout.
func (k *Keyring) poll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	if k.file != nil {
		k.file.poll(k.log, k.now())
	}
	if k.shared != nil {
		k.shared.poll(ctx, k.log, k.now())
	}
	k.merge()
	k.writeUses(ctx, writeEvery)
}

var (
	labels = []string{"secret", "source"}

	lastVerified = prometheus.NewDesc("inorder_secret_last_verified_timestamp_seconds",
		"When the secret last verified a delivery, here or at a receiver that shares the table; 0 if never. There is one series for each valid secret.",
		labels, nil)
	verified = prometheus.NewDesc("inorder_secret_verified_total", "Deliveries that this process verified with the secret.", labels, nil)
)

// Describe implements prometheus.Collector.
func (k *Keyring) Describe(to chan<- *prometheus.Desc) {
	to <- lastVerified
	to <- verified
}

// Collect implements prometheus.Collector. The label secret is a secret's name, source the webhook's ID or the setting.
func (k *Keyring) Collect(to chan<- prometheus.Metric) {
	now := k.now()
	for _, key := range *k.valid.Load() {
		if key.endedAt(now) {
			continue
		}
		seconds := float64(key.last.Load()) / float64(time.Second/time.Microsecond)
		to <- prometheus.MustNewConstMetric(lastVerified, prometheus.GaugeValue, seconds, key.name, key.source)
		to <- prometheus.MustNewConstMetric(verified, prometheus.CounterValue, float64(key.times.Load()), key.name, key.source)
	}
}
