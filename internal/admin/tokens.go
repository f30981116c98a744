package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"inorder/internal/secretfile"
)

const (
	tokenVariable = "ADMIN_TOKEN"
	fileVariable  = "ADMIN_TOKENS_FILE"

	// adminName is the actor of ADMIN_TOKEN.
	adminName = "admin"

	// shortToken is the length in characters below which a token can be guessed. A shorter one is only warned about, because people
	// who try things out on one machine use such tokens.
	shortToken = 16

	pollEvery = time.Second
)

// TokenOptions say where tokens are. Both may be missing; then every request is refused.
type TokenOptions struct {
	Token string // ADMIN_TOKEN
	File  string // ADMIN_TOKENS_FILE: its path
	Log   *slog.Logger
}

// Tokens are the tokens that open the admin API, each with the name of its actor.
type Tokens struct {
	fixed []token
	file  *secretfile.File[token] // nil without a file
	log   *slog.Logger
	valid atomic.Pointer[[]token]
}

// token is a token as it is kept: as its hash, never as text.
type token struct {
	actor
	sum   [sha256.Size]byte
	short bool
}

// actor is who sends a request.
type actor struct {
	name     string
	readOnly bool // sees everything and changes nothing
}

// LoadTokens reads all tokens. Its error names the setting and the file's line, and shows no token.
func LoadTokens(o TokenOptions) (*Tokens, error) {
	t := &Tokens{log: o.Log}
	if o.Token != "" {
		if err := checkToken(o.Token); err != nil {
			return nil, fmt.Errorf("%s: %w", tokenVariable, err)
		}
		t.fixed = []token{newToken(adminName, o.Token)}
	}
	if o.File != "" {
		t.file = &secretfile.File[token]{Variable: fileVariable, Path: o.File, Holds: "a name and a token a line", Parse: t.parse}
		if err := t.file.Open(); err != nil {
			return nil, err
		}
	}
	t.take()
	return t, nil
}

// Watch reads the file again every second until stop is called.
func (t *Tokens) Watch() (stop func()) {
	if t.file == nil {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(pollEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				t.poll()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (t *Tokens) poll() {
	if t.file.Poll(t.log, "the file of admin tokens") {
		t.take()
		t.log.Info("the admin tokens have changed", "tokens", len(*t.valid.Load()))
	}
}

// take makes the tokens of all sources valid.
func (t *Tokens) take() {
	all := t.fixed
	if t.file != nil {
		all = append(all[:len(all):len(all)], t.file.Entries()...)
	}
	for _, k := range all {
		if k.short {
			t.log.Warn("an admin token is so short that it can be guessed: make a longer one, for example with openssl rand -hex 24", "actor", k.name)
		}
	}
	t.valid.Store(&all)
}

// find returns the actor whose token this is. It takes the same time whichever token matches.
func (t *Tokens) find(given string) (who actor, found bool) {
	sum := sha256.Sum256([]byte(given))
	for _, k := range *t.valid.Load() {
		if subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1 {
			who, found = k.actor, true
		}
	}
	return who, found
}

// any reports whether there is a token at all.
func (t *Tokens) any() bool { return len(*t.valid.Load()) > 0 }

var actorName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// parse reads lines of a name and a token, and the word read after a token that changes nothing. A file without tokens is no error: emptying
// it withdraws all its tokens.
func (t *Tokens) parse(lines []secretfile.Line) ([]token, error) {
	var all []token
	seen := t.fixed[:len(t.fixed):len(t.fixed)]
	for _, line := range lines {
		k, err := parseToken(line.Words)
		for _, other := range seen {
			switch {
			case err != nil:
			case other.name == k.name && k.name == adminName && len(t.fixed) > 0:
				err = errors.New("its name, admin, is that of ADMIN_TOKEN: choose another, or unset ADMIN_TOKEN")
			case other.name == k.name:
				err = errors.New("another line has the same name: the audit could not tell who acted")
			case other.sum == k.sum:
				err = errors.New("another name has the same token: the audit could not tell who acted")
			}
		}
		if err != nil {
			return nil, &secretfile.LineError{Number: line.Number, Cause: err}
		}
		all, seen = append(all, k), append(seen, k)
	}
	return all, nil
}

func parseToken(words []string) (k token, err error) {
	const form = "write a name and a token, for example anna 5f0c9d0e6d1f4e7ba3c2, then the word read for a token that may change nothing"
	switch {
	case !actorName.MatchString(words[0]):
		return k, errors.New("its first word is not a name, which has up to 64 letters, digits and ._@-; " + form)
	case len(words) == 1:
		return k, errors.New("it has a name without a token; " + form)
	case len(words) > 3 || len(words) == 3 && words[2] != "read":
		return k, errors.New("only the word read may follow the token; " + form)
	}
	k = newToken(words[0], words[1])
	k.readOnly = len(words) == 3
	return k, checkToken(words[1])
}

func newToken(name, text string) token {
	return token{actor{name: name}, sha256.Sum256([]byte(text)), len(text) < shortToken}
}

// checkToken refuses characters that can't be in a header, and quotes at the ends, which would be a part of the token.
func checkToken(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("its token has a character that is not allowed: use only ASCII letters, digits and punctuation, without blanks")
	}
	if strings.ContainsAny(text[:1]+text[len(text)-1:], "\"'`") {
		return errors.New("its token begins or ends with a quote, which would be part of it: write it without quotes")
	}
	return nil
}
