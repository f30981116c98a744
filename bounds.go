package inorder

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The longest texts that an event may say, in characters. Real ones have a dozen. A longer status is not shortened,
// because that would be another status, and neither is an ID, a number or a currency: the field is an error.
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

// Bounded makes a text fit to be stored, shown and sent: it has at most 500 characters, the last of them … where it was
// cut, and U+FFFD stands for each NUL and each byte of invalid UTF-8, which PostgreSQL refuses. Every text that a
// Decision or a Comparison holds for people is bounded.
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

// Cut puts … for what follows the first so many characters.
func Cut(s string, most int) string {
	if kept := first(s, most); len(kept) < len(s) {
		return kept + "…"
	}
	return s
}

// first is the first so many characters of s, which may be longer than anybody wants to read.
func first(s string, most int) string {
	for i := range s {
		if most == 0 {
			return s[:i]
		}
		most--
	}
	return s
}

// short reads a string of at most so many characters.
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
