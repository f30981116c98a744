package secrets

import (
	"slices"
	"strings"
	"time"

	"inorder/internal/platform"
)

// merge combines all sources into the secrets that verify deliveries from now on. The source of a secret is the first one that
// has it. Its earliest end counts, whichever source has that: so a secret that leaked through a setting can be ended in the
// table, for every receiver and without a restart.
func (k *Keyring) merge() {
	entries := slices.Clone(k.fixed)
	if k.file != nil {
		entries = append(entries, k.file.Entries()...)
	}
	if k.shared != nil {
		entries = append(entries, k.shared.entries...)
	}
	ends := map[string]time.Time{}
	for _, e := range entries {
		if known, has := ends[e.name]; !e.ends.IsZero() && (!has || e.ends.Before(known)) {
			ends[e.name] = e.ends
		}
	}

	now := k.now()
	var keys []key
	var all []Known
	for _, e := range entries {
		e.ends = ends[e.name]
		twice := slices.ContainsFunc(keys, func(other key) bool { return other.secret == e.secret })
		if e.secret != "" && !slices.ContainsFunc(all, func(other Known) bool { return other.Secret == e.secret }) {
			all = append(all, Known{e.secret, e.name, e.source, e.ends})
		}
		if e.secret != "" && !twice && !e.endedAt(now) {
			keys = append(keys, key{e, k.useOf(e)})
		}
	}
	k.takeUses(keys)
	k.valid.Store(&keys)
	k.all.Store(&known{all, k.unread()})
	k.logChange(keys)
}

// Known is a secret that the sources have, valid or ended.
type Known struct {
	Secret       platform.Secret
	Name, Source string
	Ends         time.Time // zero for no end
}

// known is the result of one poll.
type known struct {
	all    []Known
	unread []Unread
}

// Known returns the secrets that a source has, valid or ended, and the sources that could not be read and so may have others. An ended
// secret may explain why a delivery is refused. Callers must not change what Known returns.
func (k *Keyring) Known() ([]Known, []Unread) {
	all := k.all.Load()
	return all.all, all.unread
}

func (k *Keyring) useOf(e entry) *use {
	if k.uses[e.name] == nil {
		k.uses[e.name] = &use{from: e.source}
	}
	return k.uses[e.name]
}

// takeUses adds the last uses by other receivers and earlier processes, which the table has. It forgets secrets that are gone,
// once their last use is written.
func (k *Keyring) takeUses(keys []key) {
	if k.shared != nil {
		for name, at := range k.shared.verified {
			if u := k.uses[name]; u != nil {
				u.usedAt(at)
				u.written = max(u.written, at)
			}
		}
	}
	for name, u := range k.uses {
		gone := !slices.ContainsFunc(keys, func(key key) bool { return key.name == name })
		if gone && (k.shared == nil || u.last.Load() <= u.written) {
			delete(k.uses, name)
		}
	}
}

func (k *Keyring) logChange(keys []key) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.name
	}
	now := strings.Join(names, " ")
	switch {
	case now == k.names:
		return
	case now == "":
		k.log.Warn("no webhook secret is valid: every delivery is refused until `inorder hooks register`, WEBHOOK_SECRETS or " +
			"WEBHOOK_SECRETS_FILE gives one")
	default:
		k.log.Info("webhook secrets that are valid now, by name", "secrets", now)
	}
	k.names = now
}
