package store

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// storable returns the JSON with U+FFFD in place of what jsonb can't hold: invalid UTF-8, the escape of NUL, and
// escapes of half a surrogate pair. Events with such text are applied rather than parked, because nothing a person
// could do would change them. The exact bytes stay in the workflow's input. raw must be valid JSON; it is not changed.
func storable(raw json.RawMessage) json.RawMessage {
	out := raw
	if !utf8.Valid(out) {
		out = bytes.Map(func(r rune) rune { return r }, out) // each bad byte is one, as encoding/json reads them
	}
	if !bytes.Contains(out, []byte(`\u`)) {
		return out
	}
	fixed := make([]byte, 0, len(out))
	for i := 0; i < len(out); {
		if out[i] != '\\' {
			fixed = append(fixed, out[i])
			i++
			continue
		}
		n := 2 // an escape of two bytes, unless it is \uXXXX or a pair of them
		if out[i+1] == 'u' {
			n = escapeLen(out[i:])
		}
		if n == 0 {
			fixed = append(fixed, `\ufffd`...)
			n = 6
		} else {
			fixed = append(fixed, out[i:i+n]...)
		}
		i += n
	}
	return fixed
}

// escapeLen returns the length of the \uXXXX, or pair of them, that s begins with; 0 if jsonb would refuse it.
func escapeLen(s []byte) int {
	switch r := hex4(s); {
	case r == 0, isLow(r):
		return 0
	case r >= 0xD800 && r < 0xDC00: // the first half of a pair
		if isLow(hex4(s[6:])) {
			return 12
		}
		return 0
	}
	return 6
}

func isLow(r uint64) bool { return r >= 0xDC00 && r < 0xE000 }

// hex4 reads the code unit of a \uXXXX at the start of s, and 0 if there is none.
func hex4(s []byte) uint64 {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
	}
	r, _ := strconv.ParseUint(string(s[2:6]), 16, 32)
	return r
}
