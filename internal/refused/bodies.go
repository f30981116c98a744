package refused

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"iter"
	"unicode/utf8"
)

// variant is what a body may have been when it was signed.
type variant struct {
	body   []byte
	causes []Cause
}

const (
	maxPlain      = 4 << 20   // bytes of a body after decompression
	maxCompressed = 64 << 10  // bytes of a body that is compressed as senders do
	maxRewritten  = 256 << 10 // bytes of JSON that is rewritten: parsed, it takes much more memory than its text

	plainCost = 2         // decompressing a byte costs as much as hashing this many
	packCost  = 128 << 10 // compressing a body costs as much as hashing this many bytes
)

// variants returns the forms of the body other than the body as it came, likeliest first, each made on demand. Compressed forms, which take
// long, are among them if packed is true.
func (s *search) variants(packed bool) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		give := func(body []byte, causes ...Cause) bool { return s.spend(2*len(body)) && yield(variant{body, causes}) }
		raw := s.delivery.Body
		if !s.plainVariants(raw, give) {
			return
		}
		plain, work := decompress(raw)
		if !s.spend(work) {
			return
		}
		if plain != nil {
			then := func(body []byte, causes ...Cause) bool {
				return give(body, append([]Cause{CauseDecompressed}, causes...)...)
			}
			if !then(plain) || !s.plainVariants(plain, then) {
				return
			}
		}
		if !packed {
			return
		}
		for form := range compressions(raw) {
			if !s.spend(packCost) {
				return
			}
			if !give(form, CauseDecompressed) {
				return
			}
		}
	}
}

// plainVariants gives the forms of a text. It returns false when give does or the work is spent.
func (s *search) plainVariants(body []byte, give func([]byte, ...Cause) bool) bool {
	for _, form := range newlines(body) {
		if !give(form, CauseNewline) {
			return false
		}
	}
	for _, form := range charsets(body) {
		if !give(form, CauseCharset) || !give(append(form, '\n'), CauseCharset, CauseNewline) {
			return false
		}
	}
	if len(body) > maxRewritten {
		s.skipped = true
		return true
	}
	if !s.spend(jsonCost * len(body)) {
		return false
	}
	for form := range rewritten(body) {
		if !s.spend(len(form)) || !give(form, CauseReserialised) || !give(append(form, '\n'), CauseReserialised, CauseNewline) {
			return false
		}
	}
	return true
}

// newlines returns the body with other line breaks, inside and at its end.
func newlines(body []byte) (forms [][]byte) {
	lf := bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	crlf := bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))
	add := func(form []byte) {
		if !bytes.Equal(form, body) {
			forms = append(forms, form)
		}
	}
	add(lf)
	add(crlf)
	for _, text := range [][]byte{body, lf, crlf} {
		trimmed := bytes.TrimRight(text, "\r\n")
		add(trimmed)
		add(append(bytes.Clone(trimmed), '\n'))
		add(append(bytes.Clone(trimmed), "\r\n"...))
		add(bytes.TrimSpace(text))
		if bytes.Equal(crlf, lf) {
			break
		}
	}
	return forms
}

var bom = []byte("\xef\xbb\xbf")

// charsets returns the body with or without a byte order mark, read as if it were in Latin-1, and written in Latin-1.
func charsets(body []byte) (forms [][]byte) {
	if bare, has := bytes.CutPrefix(body, bom); has {
		forms = append(forms, bytes.Clone(bare))
	} else {
		forms = append(forms, append(bytes.Clone(bom), body...))
	}
	ascii, valid := true, utf8.Valid(body)
	latin := make([]byte, 0, len(body))
	for _, r := range string(body) {
		ascii = ascii && r < utf8.RuneSelf
		valid = valid && r <= 0xff
		latin = append(latin, byte(r))
	}
	if ascii {
		return forms
	}
	if valid {
		forms = append(forms, latin)
	}
	wide := make([]byte, 0, 2*len(body))
	for _, b := range body {
		wide = utf8.AppendRune(wide, rune(b))
	}
	return append(forms, wide)
}

// decompress returns the plain bytes of a body in gzip, zlib or deflate, whatever the headers say, or nil for anything else; and how much work
// that took.
func decompress(body []byte) (plain []byte, work int) {
	for _, open := range []func(io.Reader) (io.Reader, error){
		func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
		func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil },
	} {
		r, err := open(bytes.NewReader(body))
		if err != nil {
			continue
		}
		plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
		work += plainCost * len(plain)
		if err == nil && len(plain) > 0 && len(plain) <= maxPlain {
			return plain, work
		}
	}
	return nil, work
}

// compressions returns the body as common libraries compress it. Other compressors write other bytes, so a body that a proxy decompressed is not always found.
func compressions(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if len(body) == 0 || len(body) > maxCompressed {
			return
		}
		for _, level := range []int{flate.DefaultCompression, flate.BestSpeed, flate.BestCompression} {
			for _, open := range []func(io.Writer) io.WriteCloser{
				func(to io.Writer) io.WriteCloser { w, _ := gzip.NewWriterLevel(to, level); return w },
				func(to io.Writer) io.WriteCloser { w, _ := zlib.NewWriterLevel(to, level); return w },
			} {
				var packed bytes.Buffer
				w := open(&packed)
				_, _ = w.Write(body)
				_ = w.Close()
				if !yield(packed.Bytes()) {
					return
				}
			}
		}
	}
}
