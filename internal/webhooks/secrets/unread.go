package secrets

import "time"

// reading is how the polls of a source went.
type reading struct {
	last time.Time // when the last successful poll began; zero if none succeeded
	err  error     // of the last poll
}

func (r *reading) note(err error, now time.Time) {
	if r.err = err; err == nil {
		r.last = now
	}
}

// Unread is a source that the last poll could not read. It may have secrets that this process does not know.
type Unread struct {
	Source string
	Since  time.Time // when it was last read: later secrets are not known; zero for never
	Cause  error
}

// String says which secrets may be unknown.
func (u Unread) String() string {
	if u.Since.IsZero() {
		return "the secrets in " + u.Source + ", which could not be read"
	}
	return "secrets added to " + u.Source + " after " + u.Since.UTC().Format(time.RFC3339) + ", since when it could not be read"
}

// unread returns the sources that the last poll could not read.
func (k *Keyring) unread() (all []Unread) {
	add := func(source string, r reading) {
		if r.err != nil {
			all = append(all, Unread{source, r.last, r.err})
		}
	}
	if k.file != nil {
		add(fileSource, k.file.reading)
	}
	if k.shared != nil {
		add("PostgreSQL", k.shared.reading)
	}
	return all
}
