package testenv

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
)

// Front handles a request before the stand-in does. It can record, change or answer the request, or pass it on to next.
type Front func(w http.ResponseWriter, r *http.Request, next http.Handler)

// StandIn returns a stand-in that runs until the test ends, and the URL of its API. Each request passes through the fronts,
// beginning with the last one.
func StandIn(t testing.TB, o standin.Options, fronts ...Front) (*standin.Server, string) {
	s := standin.New(o)
	t.Cleanup(s.Close)
	var handler http.Handler = s
	for _, front := range fronts {
		next := handler
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { front(w, r, next) })
	}
	return s, API(t, handler)
}

// API serves handler as if it were the platform until the test ends. It returns the URL for HEADLESS_COMMERCE_API_URL.
func API(t testing.TB, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// Platform returns a client of the API at apiURL. Options that are not set have the client's defaults.
func Platform(t testing.TB, apiURL string, key platform.Secret, options ...func(*platform.Options)) *platform.Client {
	o := platform.Options{APIKey: key, BaseURL: apiURL}
	for _, set := range options {
		set(&o)
	}
	c, err := platform.New(o)
	require.NoError(t, err)
	return c
}
