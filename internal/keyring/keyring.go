// Package keyring holds the secrets that verify deliveries now: those of the setting WEBHOOK_SECRETS, of a file, and of
// the table that every receiver reads. A secret so begins to count, and ends, without a restart.
package keyring

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// Table is where secrets are shared between receivers. An endpoints.Store is one.
type Table interface {
	Secrets(ctx context.Context) ([]endpoints.Secret, error)
	NoteVerified(ctx context.Context, name, source string, at time.Time) error
}

const (
	// LookEvery is how often the table and the file are looked at.
	LookEvery = time.Second

	lookTimeout = endpoints.KnownWithin / 2

	// noteEvery is how often a secret's last use is written to the table, at most.
	noteEvery = 5 * time.Second
)

// Options are what a keyring needs. Any of the three sources may be missing.
type Options struct {
	Secrets []string // WEBHOOK_SECRETS
	File    string   // WEBHOOK_SECRETS_FILE: its path
	Table   Table
	Log     *slog.Logger
	Now     func() time.Time // default time.Now
}

// Keyring is a receiver.Verifier, and a prometheus.Collector of what each secret verified.
type Keyring struct {
	fixed []entry
	file  *file  // nil for none
	table *table // nil without a table
	log   *slog.Logger
	now   func() time.Time

	valid atomic.Pointer[[]key] // what deliveries are verified with

	// Of the one goroutine that looks.
	uses  map[string]*use // by the secret's name
	names string          // of what was valid at the last look, for the log
}

// entry is a secret as one source has it.
type entry struct {
	secret       platform.Secret // "" for one that the table has the name of only
	name, source string
	ends         time.Time // zero for no end
}

// key is a secret that may verify.
type key struct {
	entry
	*use
}

// use is what a secret was good for. It outlives the key, until it is written to the table.
type use struct {
	from  string       // the source that it was known from first
	times atomic.Int64 // since this process began
	last  atomic.Int64 // in microseconds, as PostgreSQL keeps it; 0 for never

	// Of the one goroutine that looks.
	noted int64     // what the table has
	tried time.Time // when that was last written
}

// New reads the file, which must be right, and the table, which need not answer: until it does, and as long as it does
// not, what is known counts.
func New(ctx context.Context, o Options) (*Keyring, error) {
	k := &Keyring{log: o.Log, now: o.Now, uses: map[string]*use{}, names: "unknown"}
	if k.now == nil {
		k.now = time.Now
	}
	for _, secret := range o.Secrets {
		k.fixed = append(k.fixed, entry{secret: platform.Secret(secret), name: endpoints.Name(secret), source: "WEBHOOK_SECRETS"})
	}
	warnOfShort(k.log, k.fixed)
	if o.File != "" {
		k.file = &file{path: o.File}
		if err := k.file.open(); err != nil {
			return nil, err
		}
		warnOfShort(k.log, k.file.entries)
	}
	if o.Table != nil {
		k.table = &table{store: o.Table}
	}
	k.look(ctx)
	return k, nil
}

// warnOfShort logs which secrets are implausibly short: most likely a part of them was lost on the way.
func warnOfShort(log *slog.Logger, entries []entry) {
	for i, e := range entries {
		if len(e.secret) < endpoints.Short {
			log.Warn("a webhook secret is short for one of the platform: is it whole? Every delivery that is signed with the whole one is refused",
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
		key.sawUse(now.UnixMicro())
		return true
	}
	return false
}

func (e entry) endedAt(now time.Time) bool { return !e.ends.IsZero() && !now.Before(e.ends) }

// sawUse remembers the latest.
func (u *use) sawUse(at int64) {
	for {
		last := u.last.Load()
		if at <= last || u.last.CompareAndSwap(last, at) {
			return
		}
	}
}

// Watch looks for changes every LookEvery, until stop is called, which returns when the last uses are written.
func (k *Keyring) Watch() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(LookEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				k.look(context.Background())
			case <-quit:
				ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
				defer cancel()
				k.note(ctx, 0)
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// look takes up what has changed, and writes what was used, all in lookTimeout.
func (k *Keyring) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if k.file != nil {
		k.file.look(k.log)
	}
	if k.table != nil {
		k.table.look(ctx, k.log)
	}
	k.merge()
	k.note(ctx, noteEvery)
}
