package inorder

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The longest texts that an event may carry, in characters. Real ones have a dozen. A longer status, ID, number or
// currency is an error. It is not shortened, because that would make it another status or ID.
const (
	maxType     = 128 // what webhook_events keeps; a longer type is cut, because nothing of an order depends on the rest
	maxID       = 255 // of an order, a part or a store, and an order's number: what Temporal's SQL stores keep of a search attribute
	maxStatus   = 100
	maxCurrency = 16

	maxText   = 500 // of a text for people: see Bounded
	maxQuoted = 100 // of a value that such a text quotes
)

// maxReasons bounds the reasons about one order: a full order may list thousands of parts, each with something wrong.
const maxReasons = 10

// addReason appends a reason, unless there are maxReasons already. It never writes to the caller's array.
func addReason(reasons []string, format string, args ...any) []string {
	if len(reasons) >= maxReasons {
		return reasons
	}
	return append(reasons[:len(reasons):len(reasons)], fmt.Sprintf(format, args...))
}

// Bounded returns a text that is fit to be stored, shown and sent. It has at most 500 characters, and ends with … if
// s was cut. U+FFFD replaces each NUL and each byte of invalid UTF-8, which PostgreSQL refuses. Every text for people
// in a Decision or a Comparison is bounded.
func Bounded(s string) string {
	storable := func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r // a byte of invalid UTF-8 is a utf8.RuneError already
	}
	return strings.Map(storable, Cut(s, maxText-1))
}

// cut shortens a value that a text for people quotes.
func cut(s string) string { return Cut(s, maxQuoted) }

// Cut returns at most the first n characters of s, followed by … if s has more.
func Cut(s string, n int) string {
	if kept := first(s, n); len(kept) < len(s) {
		return kept + "…"
	}
	return s
}

// first returns at most the first n characters of s, and does not read the rest, which may be huge.
func first(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// short reads a string. One with more than most characters is an error.
func (o object) short(key string, most int) (string, error) {
	s, err := o.str(key)
	if err != nil {
		return "", err
	}
	if utf8.RuneCountInString(s) > most {
		return "", fmt.Errorf("%s must have at most %d characters", key, most)
	}
	return s, nil
}
