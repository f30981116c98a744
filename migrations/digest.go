package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
)

// Digest names the newest schema: it is another one when any migration's name or text is.
func Digest() string {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		panic(err) // only a malformed pattern is an error
	}
	h := sha256.New()
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		h.Write([]byte(name + "\x00"))
		h.Write(append(text, 0))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
