package secrets

import "time"

// reading is what the polls of a source came to.
type reading struct {
	last time.Time // when the last poll began that could read it; zero if none could
	err  error     // of the last poll
}

func (r *reading) note(err error, now time.Time) {
	if r.err = err; err == nil {
		r.last = now
	}
}

// Unread is a source that the last poll could not read, so that it may have secrets which nobody knows here.
type Unread struct {
	Source string
	Since  time.Time // what came later is not known; zero if it was never read
	Cause  error
}

// String says which secrets are not known.
func (u Unread) String() string {
	if u.Since.IsZero() {
		return "the secrets in " + u.Source + ", which could not be read"
	}
	return "secrets that came into " + u.Source + " after " + u.Since.UTC().Format(time.RFC3339) + ", since when it could not be read"
}

// unread are the sources that the last poll could not read.
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
