package delivery

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// A base64 secret may end with =, so a name alone before the = does not make an assignment.
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=[^=]`)
	emptyValue = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*=$`)
)

const quotes = "\"'`“”‘’"

// CheckSecret returns an error if a text cannot be a secret. What shells, env files and copies leave around a secret would count as a
// part of it, and every delivery would be refused. The error never shows the text.
func CheckSecret(secret string) error {
	first, _ := utf8.DecodeRuneInString(secret)
	last, _ := utf8.DecodeLastRuneInString(secret)
	switch {
	case secret == "":
		return errors.New("it is empty")
	case !utf8.ValidString(secret):
		return errors.New("it is not UTF-8")
	case strings.ContainsRune(quotes, first) || strings.ContainsRune(quotes, last):
		return errors.New("it has a quote at an end, which would count as a part of the secret: write it without quotes")
	case strings.ContainsFunc(secret, unicode.IsSpace):
		return errors.New("it has a blank or a line break inside, which no secret of the platform has")
	case strings.ContainsFunc(secret, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("it has a character that cannot be seen: type it anew, or copy it from the platform once more")
	case assignment.MatchString(secret) || emptyValue.MatchString(secret):
		return errors.New("it has the form NAME=VALUE, and the name would count as a part of the secret: write the value alone")
	case strings.Contains(secret, ","):
		return errors.New("it has a comma inside, which no secret of the platform has")
	}
	return nil
}
