package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// plural matches a count with a plural noun, which is wrong for one. words.Count and words.Phrase write both forms.
var plural = regexp.MustCompile(`%d (?:[a-z]+ )?(?:event|deliverie|order|row|workflow|problem|attempt|webhook|start|minute|page|secret|token)s\b`)

// fixed matches texts whose number is never one, and a text that appears only in a log.
var fixed = regexp.MustCompile(`at most %d|More than %d|more than %d|1 to %d|purge [a-z_]+ after %d`)

func TestOneThingIsNotSpokenOfAsMany(t *testing.T) {
	var found []string
	for _, room := range []string{"activities", "cmd", "internal", "receiver", "worker", "workflows"} {
		require.NoError(t, fs.WalkDir(os.DirFS(testenv.Root()), room, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, filepath.Join(testenv.Root(), path), nil, 0)
			require.NoError(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && !fixed.MatchString(text.Value) {
					if plural.MatchString(text.Value) {
						found = append(found, files.Position(text.Pos()).String()+": "+text.Value)
					}
				}
				return true
			})
			return nil
		}))
	}
	require.Empty(t, found, "words.Count and words.Phrase write one and many")
}
