package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/config"
)

var variable = regexp.MustCompile(`^([A-Z][A-Z0-9]*(_[A-Z0-9]+)+|INBOX)$`)

// Every variable that config reads is documented, and every documented variable is read.
func TestSettingsAreThoseThatConfigReads(t *testing.T) {
	read := variablesIn(t, filepath.Join(testenv.Root(), "internal", "config"))
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "go.temporal.io/sdk/contrib/envconfig").Output()
	require.NoError(t, err)
	temporals := variablesIn(t, strings.TrimSpace(string(dir)))

	documented := settings(t)
	for name := range read {
		require.Contains(t, documented, name, "docs/settings.md lacks a row")
	}
	for name := range documented {
		require.True(t, read[name] || temporals[name], "docs/settings.md has %s, which nothing reads", name)
	}
}

// Setting every variable to the default that the document shows changes nothing.
func TestDefaultsAreThoseOfConfig(t *testing.T) {
	documented := settings(t)
	for name := range documented {
		t.Setenv(name, "")
	}
	byItself, err := config.Load(0)
	require.NoError(t, err)
	for name, value := range documented {
		t.Setenv(name, value)
	}
	asDocumented, err := config.Load(0)
	require.NoError(t, err)
	require.Equal(t, byItself, asDocumented)
}

// The test above does not notice a default that the document leaves out; this one does.
func TestEveryDefaultIsShown(t *testing.T) {
	documented := settings(t)
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(testenv.Root(), "internal", "config", "config.go"), nil, 0)
	require.NoError(t, err)
	var withDefault int
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		name, named := literal(call.Args[0])
		if !ok || !named || !variable.MatchString(name) || method.Sel.Name == "problem" {
			return true
		}
		if text, is := literal(call.Args[1]); is && text == "" || slices.Contains([]string{"secrets", "postgres", "key", "link", "token"}, method.Sel.Name) {
			return true // no default
		}
		withDefault++
		require.NotEmpty(t, documented[name], "docs/settings.md lacks the default of %s", name)
		return true
	})
	require.Greater(t, withDefault, 15)
}

// settings returns the variables in the tables of docs/settings.md with their defaults.
func settings(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, row := range rows(t, "docs/settings.md") {
		for _, name := range code.FindAllStringSubmatch(row[0], -1) {
			require.NotContains(t, all, name[1], "it has two rows")
			all[name[1]] = strings.Trim(row[1], "`")
		}
	}
	require.Greater(t, len(all), 25)
	return all
}

// variablesIn returns the environment variables that a package's sources name, each as a string literal of its own.
func variablesIn(t *testing.T, dir string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(source, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if text, is := literal(e); is && variable.MatchString(text) {
					names[text] = true
				}
			}
			return true
		})
	}
	require.NotEmpty(t, names)
	return names
}

func literal(e ast.Expr) (string, bool) {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(b.Value)
	return text, err == nil
}

var code = regexp.MustCompile("`([^`]+)`")

// rows returns the cells of each table row in a document whose first cell begins with code.
func rows(t *testing.T, document string) [][]string {
	all := rowsOf(read(t, document))
	require.NotEmpty(t, all, document)
	return all
}

func rowsOf(text string) (all [][]string) {
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

// documents returns the paths of all documents for people.
func documents(t *testing.T) []string {
	files := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	found, err := filepath.Glob(filepath.Join(testenv.Root(), "docs", "*.md"))
	require.NoError(t, err)
	for _, file := range found {
		files = append(files, "docs/"+filepath.Base(file))
	}
	return files
}

func read(t *testing.T, document string) string {
	text, err := os.ReadFile(filepath.Join(testenv.Root(), document))
	require.NoError(t, err)
	return string(text)
}
