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

// Files and folders that a document names exist.
func TestFilesThatAreNamedExist(t *testing.T) {
	path := regexp.MustCompile("`([a-z_]+(?:/[a-z_]+)*(?:/|\\.go|\\.sql))`")
	var named int
	for _, document := range []string{"README.md", "CONTRIBUTING.md", "docs/architecture.md"} {
		for _, m := range path.FindAllStringSubmatch(read(t, document), -1) {
			named++
			_, err := os.Stat(filepath.Join(testenv.Root(), m[1]))
			require.NoError(t, err, "%s names %s", document, m[1])
		}
	}
	require.Greater(t, named, 50)
}

// A reader can follow one event from the socket to the commit in few files.
func TestTheLifeOfAnEventOpensFewFiles(t *testing.T) {
	const most = 14
	_, life, begins := strings.Cut(read(t, "docs/architecture.md"), "**From the socket")
	life, _, ends := strings.Cut(life, "**Beside this way")
	require.True(t, begins && ends)
	opened := map[string]bool{}
	for _, file := range regexp.MustCompile("`[a-z_/]+\\.go`").FindAllString(life, -1) {
		opened[file] = true
	}
	require.Greater(t, len(opened), 10)
	require.LessOrEqual(t, len(opened), most)
}

// Commands that a document shows are commands of the program.
func TestCommandsThatAreNamedExist(t *testing.T) {
	field := regexp.MustCompile("(\\w+) +(?:\\w+Cmd|command\\.\\w+) +`cmd:")
	command := regexp.MustCompile(`\b(inorder|standin) (?:(?:hooks secrets|hooks|orders|events|bulk|faults) )?([a-z]+)\b`)
	program := regexp.MustCompile(`^(?:dev/)?cmd/(\w+)/`)
	known := map[string]bool{}
	for place, line := range lines(t) {
		if m, in := field.FindStringSubmatch(line), program.FindStringSubmatch(place); m != nil && in != nil {
			known[in[1]+" "+strings.ToLower(m[1])] = true
		}
	}
	require.Greater(t, len(known), 25)
	for _, document := range documents(t) {
		for _, shown := range shownCode(read(t, document)) {
			for _, m := range command.FindAllStringSubmatch(shown, -1) {
				require.True(t, known[m[1]+" "+m[2]], "%s shows: %s", document, shown)
			}
		}
	}
}

// Make targets that a document shows exist.
func TestTargetsThatAreNamedExist(t *testing.T) {
	makefile := read(t, "Makefile")
	target := regexp.MustCompile(`\bmake ([a-z/-]+)`)
	for _, document := range documents(t) {
		for _, shown := range shownCode(read(t, document)) {
			for _, m := range target.FindAllStringSubmatch(shown, -1) {
				require.True(t, strings.Contains(makefile, "\n"+m[1]+":"), "%s shows: %s", document, shown)
			}
		}
	}
}

// shownCode returns the code in a document: inline spans, and what is typed in shell blocks, without comments.
func shownCode(text string) (all []string) {
	block := regexp.MustCompile("(?s)```(\\w*)\n(.*?)```")
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		for line := range strings.SplitSeq(m[2], "\n") {
			line, _, _ = strings.Cut(line, "  #")
			line, typed := strings.CutPrefix(line, "$ ")
			if m[1] == "sh" || m[1] == "console" && typed {
				all = append(all, line)
			}
		}
	}
	for _, m := range code.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		all = append(all, m[1])
	}
	return all
}
