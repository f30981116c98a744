package testenv

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
)

// Front takes a request in the stand-in's place. It can note, change or answer it, or hand it on to next, the stand-in.
type Front func(w http.ResponseWriter, r *http.Request, next http.Handler)

// StandIn returns a stand-in that runs until the test ends, and the URL of its API. Requests go through the fronts, the last
// one first.
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

// API serves a handler in the platform's place until the test ends, and returns its URL, for HEADLESS_COMMERCE_API_URL.
func API(t testing.TB, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// Platform returns a client of the API at that URL. What is left out of its options has the client's defaults.
func Platform(t testing.TB, apiURL string, key platform.Secret, options ...func(*platform.Options)) *platform.Client {
	o := platform.Options{APIKey: key, BaseURL: apiURL}
	for _, set := range options {
		set(&o)
	}
	c, err := platform.New(o)
	require.NoError(t, err)
	return c
}
