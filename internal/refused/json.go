package refused

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// style is how a library writes JSON.
type style struct {
	comma, colon string
	indent       string // "" for one line
	ascii        bool   // \u for all that is not ASCII
	html         bool   // \u for < > &, and for U+2028 and U+2029, as Go does
	slash        bool   // \/ for a slash, as PHP does
	sorted       bool   // members in the order of their names
}

// styles are those of common libraries. JavaScript's and Go's are the first two, then Python's and PHP's.
var styles = []style{
	{comma: ",", colon: ":"},
	{comma: ",", colon: ":", html: true},
	{comma: ", ", colon: ": ", ascii: true},
	{comma: ", ", colon: ": "},
	{comma: ",", colon: ":", ascii: true},
	{comma: ",", colon: ":", ascii: true, slash: true},
	{comma: ",", colon: ":", slash: true},
	{comma: ",", colon: ": ", indent: "  "},
	{comma: ",", colon: ": ", indent: "  ", html: true},
	{comma: ",", colon: ": ", indent: "    "},
	{comma: ",", colon: ": ", indent: "\t"},
	{comma: ",", colon: ": ", indent: "  ", ascii: true},
	{comma: ",", colon: ": ", indent: "    ", ascii: true},
	{comma: ",", colon: ": ", indent: "    ", ascii: true, slash: true},
	{comma: ",", colon: " : ", indent: "  "},
}

const (
	jsonCost = 16  // reading JSON costs as much as hashing this many times its length
	maxDepth = 100 // of JSON that is rewritten
)

// rewritten returns the forms in which common libraries write a JSON text, except the form that it has.
func rewritten(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		root, ok := parse(body)
		if !ok {
			return
		}
		for _, sorted := range []bool{false, true} {
			for _, s := range styles {
				s.sorted = sorted
				form := s.append(make([]byte, 0, len(body)+len(body)/2), root, 0)
				if !bytes.Equal(form, body) && !yield(form) {
					return
				}
			}
		}
	}
}

// value is a JSON value whose members keep their order, and whose numbers stay as they were written.
type value struct {
	kind  byte   // { [ " or 0 for what is written as it is
	text  string // of a string, or of a number, true, false and null
	names []string
	items []value
}

// parse reads a whole JSON text.
func parse(body []byte) (value, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := read(d, 0)
	if err != nil {
		return v, false
	}
	_, err = d.Token()
	return v, err == io.EOF
}

var errDeep = errors.New("too deep")

func read(d *json.Decoder, depth int) (v value, err error) {
	t, err := d.Token()
	if err != nil || depth > maxDepth {
		return v, errors.Join(err, errDeep)
	}
	switch t := t.(type) {
	case json.Delim:
		v.kind = byte(t)
	case string:
		return value{kind: '"', text: t}, nil
	case json.Number:
		return value{text: t.String()}, nil
	case bool:
		return value{text: strconv.FormatBool(t)}, nil
	default:
		return value{text: "null"}, nil
	}
	for d.More() {
		if v.kind == '{' {
			name, err := d.Token()
			if err != nil {
				return v, err
			}
			v.names = append(v.names, name.(string))
		}
		item, err := read(d, depth+1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
	_, err = d.Token()
	return v, err
}

func (s style) append(to []byte, v value, depth int) []byte {
	switch v.kind {
	case 0:
		return append(to, v.text...)
	case '"':
		return s.appendString(to, v.text)
	}
	to = append(to, v.kind)
	for i, at := range s.order(v) {
		if i > 0 {
			to = append(to, s.comma...)
		}
		to = s.appendBreak(to, depth+1)
		if v.kind == '{' {
			to = append(s.appendString(to, v.names[at]), s.colon...)
		}
		to = s.append(to, v.items[at], depth+1)
	}
	if len(v.items) > 0 {
		to = s.appendBreak(to, depth)
	}
	return append(to, v.kind+2) // ] and } are two after [ and {
}

// order returns the order in which members or elements are written.
func (s style) order(v value) []int {
	order := make([]int, len(v.items))
	for i := range order {
		order[i] = i
	}
	if s.sorted && v.kind == '{' {
		slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(v.names[a], v.names[b]) })
	}
	return order
}

func (s style) appendBreak(to []byte, depth int) []byte {
	if s.indent == "" {
		return to
	}
	to = append(to, '\n')
	for range depth {
		to = append(to, s.indent...)
	}
	return to
}

var short = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func (s style) appendString(to []byte, text string) []byte {
	to = append(to, '"')
	for _, r := range text {
		switch escaped, known := short[r]; {
		case known:
			to = append(to, escaped...)
		case r == '/' && s.slash:
			to = append(to, `\/`...)
		case r < 0x20, s.html && strings.ContainsRune("<>&\u2028\u2029", r), s.ascii && r >= utf8.RuneSelf:
			to = appendUnicode(to, r)
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return append(to, '"')
}

func appendUnicode(to []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return appendUnicode(appendUnicode(to, high), low)
	}
	const digits = "0123456789abcdef"
	return append(to, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
