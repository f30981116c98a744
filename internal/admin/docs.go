package admin

import (
	"embed"
	"net/http"

	"inorder/internal/api"
)

//go:embed docs
var docs embed.FS

// docsPolicy lets the page load its own files and the document, and nothing from anywhere else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// serveDocs serves the page that shows the OpenAPI document.
func serveDocs(mux *http.ServeMux) {
	for path, file := range map[string]string{api.DocsPath: "docs/page.html", api.DocsPath + "/page.js": "docs/page.js", api.DocsPath + "/page.css": "docs/page.css"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", docsPolicy)
			http.ServeFileFS(w, r, docs, file)
		})
	}
}
