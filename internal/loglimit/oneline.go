package loglimit

import "strings"

// maxLine is in bytes. What follows in a longer error mostly repeats its beginning.
const maxLine = 300

// OneLine is the error's text in one line of bounded length. pgx, for one, writes a line for each address that it tried,
// often the same one twice.
func OneLine(err error) string {
	var lines []string
	seen := map[string]bool{}
	for line := range strings.Lines(err.Error()) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	text := strings.ToValidUTF8(strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": "), "?")
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + " …"
	}
	return text
}
