package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// A metric that a document or an alert names exists in the code.
func TestMetricsThatAreNamedExist(t *testing.T) {
	var source strings.Builder
	for place, line := range lines(t) {
		if strings.Contains(place, ".go:") {
			source.WriteString(line)
		}
	}
	for _, document := range append(documents(t), alertsFile) {
		for _, name := range regexp.MustCompile(`\binorder_[a-z_]+`).FindAllString(read(t, document), -1) {
			require.True(t, strings.Contains(source.String(), `"`+name+`"`), "%s names %s", document, name)
		}
	}
}

// Every link to a file of ours, or to an anchor in one, has a target.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, document := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, document), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := document
			if path != "" {
				target = filepath.Join(filepath.Dir(document), path)
			}
			_, err := os.Stat(filepath.Join(testenv.Root(), target))
			require.NoError(t, err, "%s links to %s", document, m[1])
			if anchor != "" {
				require.True(t, strings.Contains(read(t, target), `<a id="`+anchor+`"></a>`), "%s links to %s", document, m[1])
			}
		}
	}
}

// Every direct dependency has its reason in docs/decisions.md.
func TestDirectDependenciesHaveTheirReason(t *testing.T) {
	decisions := read(t, "docs/decisions.md")
	direct, _, _ := strings.Cut(read(t, "go.mod"), "// indirect")
	modules := regexp.MustCompile(`(?m)^\t(\S+) v`).FindAllStringSubmatch(direct, -1)
	require.NotEmpty(t, modules)
	for _, m := range modules[:len(modules)-1] { // the last is the first indirect one
		require.True(t, strings.Contains(decisions, "| `"+m[1]+"` |"), "docs/decisions.md has no reason for %s", m[1])
	}
}

// The README's first session and the drill can run in the same system. They share no IDs, because an event ID takes effect only once.
func TestTheDrillBeginsWhereTheFirstSessionEnds(t *testing.T) {
	names := func(document, after, before string) []string {
		_, text, _ := strings.Cut(read(t, document), after)
		text, _, _ = strings.Cut(text, before)
		found := regexp.MustCompile(`\b(evt|order)_[a-z0-9_]+`).FindAllString(text, -1)
		require.NotEmpty(t, found, document)
		return found
	}
	session := names("README.md", "## The first session", "\n## ")
	for _, name := range names("docs/operations.md", `<a id="drill"></a>`, `<a id="`) {
		require.NotContains(t, session, name)
	}
}
