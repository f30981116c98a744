package admin

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	"inorder/internal/api"
)

// checkBody refuses what a JSON parser would silently misread: a body of another media type, and one that repeats a field. huma refuses
// what isn't JSON at all. checkBody sets Content-Type to the value that huma knows.
func checkBody(h http.Header, body []byte) *api.Problem {
	if len(bytes.TrimSpace(body)) == 0 { // curl sends a Content-Type even with an empty body
		h.Del("Content-Type")
		return nil
	}
	if !isJSON(h.Values("Content-Type")) {
		return notJSON()
	}
	h.Set("Content-Type", "application/json")
	if twice := twiceIn(body, "body"); twice != "" {
		return invalid(nothingDone, api.FieldProblem{Location: twice, Message: "it is given more than once"})
	}
	return nil
}

// isJSON reports whether a Content-Type is JSON. A charset other than UTF-8 is none: all JSON is UTF-8.
func isJSON(values []string) bool {
	if len(values) != 1 {
		return false
	}
	kind, parameters, err := mime.ParseMediaType(values[0])
	charset, named := parameters["charset"]
	switch {
	case err != nil, named && !strings.EqualFold(charset, "utf-8"):
		return false
	case kind == "application/json":
		return true
	}
	return strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

func notJSON() *api.Problem {
	p := newProblem(http.StatusUnsupportedMediaType, api.ProblemMediaType, "send the header Content-Type exactly once, as application/json; nothing was done")
	p.Errors = []api.FieldProblem{{Location: "header.Content-Type", Message: "it must be application/json, in UTF-8"}}
	return p
}

// twiceIn returns the location of the first field that an object repeats; "" if there is none, or it is no object. It looks into a filter, but
// not into the body of an event, which is the platform's.
func twiceIn(object []byte, location string) string {
	fields := json.NewDecoder(bytes.NewReader(object))
	if start, err := fields.Token(); err != nil || start != json.Delim('{') {
		return ""
	}
	seen := map[string]bool{}
	for fields.More() {
		name, err := fields.Token()
		field, isName := name.(string)
		var value json.RawMessage
		if err != nil || !isName || fields.Decode(&value) != nil {
			return ""
		}
		at := location + "." + shortened(field)
		if seen[field] {
			return at
		}
		seen[field] = true
		if field == "filter" && location == "body" {
			if twice := twiceIn(value, at); twice != "" {
				return twice
			}
		}
	}
	return ""
}
