package migrations

import (
	"cmp"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

var (
	created = regexp.MustCompile(`(?m)^\s*CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(\w+)`)
	dropped = regexp.MustCompile(`(?m)^\s*DROP INDEX (?:CONCURRENTLY )?(?:IF EXISTS )?(\w+)`)
)

// Indexes returns the names of the indexes that the newest schema has, but for those of keys, sorted.
func Indexes() []string {
	names, _ := fs.Glob(files, "*.sql") // the pattern is right
	slices.Sort(names)
	there := map[string]bool{}
	for _, name := range names {
		text, _ := fs.ReadFile(files, name)
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		for _, change := range changesOf(up) {
			there[change.index] = change.creates
		}
	}
	var all []string
	for index, is := range there {
		if is {
			all = append(all, index)
		}
	}
	slices.Sort(all)
	return all
}

type indexChange struct {
	at      int
	index   string
	creates bool
}

// changesOf are in the order in which they happen.
func changesOf(sql string) (all []indexChange) {
	for expression, creates := range map[*regexp.Regexp]bool{created: true, dropped: false} {
		for _, m := range expression.FindAllStringSubmatchIndex(sql, -1) {
			all = append(all, indexChange{m[0], sql[m[2]:m[3]], creates})
		}
	}
	slices.SortFunc(all, func(a, b indexChange) int { return cmp.Compare(a.at, b.at) })
	return all
}
