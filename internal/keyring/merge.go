package keyring

import (
	"slices"
	"strings"
	"time"
)

// merge makes of all sources what deliveries are verified with from now on. A secret that several sources have is
// named for the first. The earliest end counts, whichever source has it: so one that leaked through a setting can be
// ended in the table, for every receiver and without a restart.
func (k *Keyring) merge() {
	entries := slices.Clone(k.fixed)
	if k.file != nil {
		entries = append(entries, k.file.entries...)
	}
	if k.table != nil {
		entries = append(entries, k.table.entries...)
	}
	ends := map[string]time.Time{}
	for _, e := range entries {
		if known, has := ends[e.name]; !e.ends.IsZero() && (!has || e.ends.Before(known)) {
			ends[e.name] = e.ends
		}
	}

	now := k.now()
	var keys []key
	for _, e := range entries {
		e.ends = ends[e.name]
		twice := slices.ContainsFunc(keys, func(other key) bool { return other.secret == e.secret })
		if e.secret != "" && !twice && !e.endedAt(now) {
			keys = append(keys, key{e, k.useOf(e)})
		}
	}
	k.takeUses(keys)
	k.valid.Store(&keys)
	k.logChange(keys)
}

func (k *Keyring) useOf(e entry) *use {
	u := k.uses[e.name]
	if u == nil {
		u = &use{from: e.source}
		k.uses[e.name] = u
	}
	return u
}

// takeUses takes from the table what other receivers, and earlier processes, verified; and forgets the uses that are
// written of secrets that are gone.
func (k *Keyring) takeUses(keys []key) {
	if k.table != nil {
		for name, at := range k.table.verified {
			if u := k.uses[name]; u != nil {
				u.sawUse(at)
				u.noted = max(u.noted, at)
			}
		}
	}
	for name, u := range k.uses {
		gone := !slices.ContainsFunc(keys, func(key key) bool { return key.name == name })
		if gone && (k.table == nil || u.last.Load() <= u.noted) {
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
