package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

const (
	fileLines     = 250
	functionLines = 50
)

// A file covers one topic, and a function fits on a screen. Test files count, too.
func TestFilesAndFunctionsAreShort(t *testing.T) {
	for path, file := range goFiles(t) {
		lines := func(n ast.Node) int { return file.Line(n.End()-1) - file.Line(n.Pos()) + 1 }
		if n := file.LineCount(); n > fileLines {
			t.Errorf("%s has %d lines, and may have %d: split it by topic", path, n, fileLines)
		}
		for _, declared := range file.syntax.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && lines(f) > functionLines {
				t.Errorf("%s: %s has %d lines, and may have %d", path, f.Name.Name, lines(f), functionLines)
			}
		}
	}
}

// Only `inorder send` needs made-up events.
func TestOnlySendHasSamples(t *testing.T) {
	for path, file := range goFiles(t) {
		room := filepath.Dir(path)
		if strings.HasSuffix(path, "_test.go") || isIn(room, append(slices.Clone(tools), "bench", "internal/sample", "internal/send")...) {
			continue
		}
		for _, imported := range file.syntax.Imports {
			if isIn(strings.Trim(imported.Path.Value, `"`), module+"/internal/sample", module+"/internal/send") {
				require.True(t, strings.HasPrefix(path, "cmd/inorder/send"), "%s imports %s, which is for inorder send alone", path, imported.Path.Value)
			}
		}
	}
}

type goFile struct {
	*token.File
	syntax *ast.File
}

// goFiles returns our Go files by path, without generated ones.
func goFiles(t *testing.T) map[string]goFile {
	root, set, all := testenv.Root(), token.NewFileSet(), map[string]goFile{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", ".dev", "bin", "node_modules", "testdata"}, d.Name()):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go":
			return nil
		}
		syntax, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err == nil && !ast.IsGenerated(syntax) {
			all[strings.TrimPrefix(path, root+"/")] = goFile{set.File(syntax.FileStart), syntax}
		}
		return err
	}))
	require.Greater(t, len(all), 200)
	return all
}
