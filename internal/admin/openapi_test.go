package admin

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

// anonymous asks without a token.
func (r *rig) anonymous(target string) *httptest.ResponseRecorder {
	w := r.send("GET", target, "", "Authorization", "")
	require.Equal(r, 200, w.Code, target)
	return w
}

// docs/openapi.json is for authors of clients. The tests of tools/ hold it to the OpenAPI specification.
func TestTheDocumentIsTheOneThatIsKept(t *testing.T) {
	w := newRig(t, nil).anonymous(api.OpenAPIPath)
	require.Equal(t, "application/openapi+json", w.Header().Get("Content-Type"))
	var served bytes.Buffer
	require.NoError(t, json.Indent(&served, bytes.Replace(w.Body.Bytes(), []byte(`"version":"test"`), []byte(`"version":"1"`), 1), "", " "))
	served.WriteByte('\n')
	file := filepath.Join(testenv.Root(), "docs", "openapi.json")
	if *update {
		require.NoError(t, os.WriteFile(file, served.Bytes(), 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(kept), served.String(), "go test ./internal/admin -run Document -update")
}

func TestTheDocumentHasEveryRequestOfTheAPI(t *testing.T) {
	var document struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(newRig(t, nil).anonymous(api.OpenAPIPath).Body.Bytes(), &document))
	require.True(t, strings.HasPrefix(document.OpenAPI, "3.1"))
	want := map[string]string{api.StatusPath: "get", api.OrdersPath: "get", api.OrderPath: "get", api.TimelinePath: "get", api.BlockedPath: "get",
		api.EventsPath: "get", api.EventPath: "get", api.RetryPath: "post", api.DiscardPath: "post", api.ReplayPath: "post", api.AmendPath: "post",
		api.BulksPath: "post", api.BulkPath: "get", api.BulkEventsPath: "get", api.StopBulkPath: "post", api.AuditPath: "get",
		api.RefusalsPath: "get", api.RefusedPath: "get"}
	require.Len(t, document.Paths, len(want))
	for path, method := range want {
		op := document.Paths[path][method]
		require.NotEmpty(t, op["summary"], path)
		responses := op["responses"].(map[string]any)
		require.Contains(t, responses, "200", path)
		require.Contains(t, responses, "401", path)
	}
}

// Everything in the document that can have a description has one.
func TestTheDocumentDescribesEverything(t *testing.T) {
	var document map[string]any
	require.NoError(t, json.Unmarshal(newRig(t, nil).anonymous(api.OpenAPIPath).Body.Bytes(), &document))
	var silent []string
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case []any:
			for i, item := range v {
				walk(fmt.Sprint(at, "/", i), item)
			}
		case map[string]any:
			_, isOperation := v["operationId"]
			_, isParameter := v["in"]
			parent := path.Base(path.Dir(at))
			if of := path.Base(at); isOperation || isParameter || parent == "properties" || parent == "responses" || of == "requestBody" {
				if text, _ := v["description"].(string); text == "" {
					silent = append(silent, at)
				}
			}
			for name, item := range v {
				walk(at+"/"+strings.ReplaceAll(name, "/", "~1"), item)
			}
		}
	}
	walk("", document)
	slices.Sort(silent)
	require.Empty(t, silent, "fields have a doc tag; operations are in descriptions.go")
}

var elsewhere = regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}`)

func TestThePageLoadsNothingFromAnywhereElse(t *testing.T) {
	r := newRig(t, nil)
	page := r.anonymous(api.DocsPath)
	require.Contains(t, page.Header().Get("Content-Type"), "text/html")
	policy := page.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, policy, "http")
	for _, attribute := range regexp.MustCompile(`(?:src|href)="([^"#]*)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		require.True(t, strings.HasPrefix(attribute[1], "/"), attribute[0])
		r.anonymous(attribute[1])
	}
	require.NoError(t, fs.WalkDir(docs, ".", func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(docs, path)
		require.NotRegexp(t, elsewhere, string(text), path)
		require.NotContains(t, string(text), "innerHTML", path)
		require.NotRegexp(t, `(?i)<(script|style)>| style=| on[a-z]+=`, string(text), "%s: the policy forbids it", path)
		return err
	}))
	require.Contains(t, r.anonymous(api.DocsPath+"/page.js").Header().Get("Content-Type"), "javascript")
	require.Contains(t, r.anonymous(api.DocsPath+"/page.css").Header().Get("Content-Type"), "text/css")
	require.Equal(t, 404, r.send("GET", api.DocsPath+"/", "").Code)
}
