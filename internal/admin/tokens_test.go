package admin

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

func tokensFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTokensHaveNames(t *testing.T) {
	r := newRig(t, nil)
	for token, want := range map[string]string{adminToken: "admin", "canary-anna-token-1234": "anna"} {
		require.Equal(t, http.StatusOK, r.send("POST", "/api/events/evt_1/retry", "", "Authorization", "bearer  "+token).Code)
		require.Contains(t, r.last(), "by "+want)
	}
	require.Equal(t, http.StatusOK, r.send("GET", "/api/events/evt_1", "", "Authorization", "Bearer "+readToken).Code)
	require.Equal(t, http.StatusOK, r.send("HEAD", "/api/events/evt_1", "", "Authorization", "Bearer "+readToken).Code)
	calls := len(r.calls)
	for _, path := range []string{api.RetryPath, api.DiscardPath, api.ReplayPath, api.AmendPath, api.BulksPath, api.StopBulkPath} {
		body := `{"reason":"r"}`
		if path == api.BulksPath {
			body = `{"action":"retry","filter":{"state":"stuck"},"reason":"r"}`
		}
		p := r.problem(r.send("POST", api.PathOf(path, "evt_1"), body, "Authorization", "Bearer "+readToken), 403, api.ProblemForbidden)
		require.Contains(t, p.Detail, "change nothing")
	}
	require.Len(t, r.calls, calls)
	dry := `{"action":"retry","filter":{"state":"stuck"},"dry_run":true}` // it changes nothing, and keeps nothing under a key
	require.Equal(t, http.StatusOK, r.send("POST", api.BulksPath, dry, "Authorization", "Bearer "+readToken, api.IdempotencyHeader, "k").Code)
	require.Equal(t, "preview retry", r.last())
	require.NotContains(t, r.logs.String(), "canary")
}

func TestWithoutAValidTokenNothingIsAnswered(t *testing.T) {
	r := newRig(t, nil)
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + adminToken, adminToken, "Bearer " + adminToken + "x",
		"Bearer " + adminToken[1:], "Bearer " + adminToken + "," + adminToken, "Bearer rita", "Bearer read"} {
		for _, target := range []string{"/api/status", "/api/events?x=1", "/api/nothing", "/api/"} {
			w := r.send("GET", target, "", "Authorization", header)
			r.problem(w, 401, api.ProblemUnauthorized)
			require.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
		}
	}
	require.Empty(t, r.calls)
	require.Equal(t, 3, strings.Count(r.logs.String(), "was refused"), "once for each reason: %s", r.logs)
	require.NotContains(t, r.logs.String(), "canary")
}

func TestWithoutAnyTokenTheAnswerSaysWhatIsMissing(t *testing.T) {
	log, logs := testenv.Logs(t)
	for _, file := range []string{"", tokensFile(t, ""), tokensFile(t, "\n# anna was here\n   \n")} {
		tokens, err := LoadTokens(TokenOptions{File: file, Log: log})
		require.NoError(t, err)
		require.False(t, tokens.any())
		r := newRig(t, nil)
		r.api.tokens = tokens
		for _, header := range []string{"", "Bearer ", "Bearer x", "Bearer #"} {
			p := r.problem(r.send("GET", "/api/status", "", "Authorization", header), 401, api.ProblemUnauthorized)
			require.Contains(t, p.Detail, "ADMIN_TOKEN")
			require.Contains(t, p.Detail, "ADMIN_TOKENS_FILE")
		}
	}
	require.Empty(t, logs.String())
}

func TestAMalformedFileOfTokensIsAnErrorThatNamesTheLine(t *testing.T) {
	log, logs := testenv.Logs(t)
	for text, want := range map[string]string{
		"anna canary-1\n\nbert\n":                         "line 3",
		"anna":                                            "name without a token",
		"anna canary-1 write":                             "only the word read",
		"anna canary-1 read only":                         "only the word read",
		"anna canary-1 canary-2":                          "only the word read",
		"anna canary-1\nanna canary-2":                    "line 2 of",
		"anna canary-1\nbert canary-1":                    "another name has the same token",
		"anna " + adminToken:                              "another name has the same token",
		"admin canary-1":                                  "admin, is that of ADMIN_TOKEN",
		"an/na canary-1":                                  "is not a name",
		strings.Repeat("a", 65) + " canary-1":             "is not a name",
		"anna \"canary-1\"":                               "quote",
		"anna canäry-1":                                   "ASCII",
		"anna canary-1\x00":                               "ASCII",
		"# ok\nanna canary-1 # her own\nbert # canary-22": "line 3",
	} {
		_, err := LoadTokens(TokenOptions{Token: adminToken, File: tokensFile(t, text), Log: log})
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "ADMIN_TOKENS_FILE: line ")
		require.NotContains(t, err.Error(), "canary")
	}
	for _, bad := range []string{"two words", "'quoted'", "tab\t", "ümlaut"} {
		_, err := LoadTokens(TokenOptions{Token: bad, Log: log})
		require.ErrorContains(t, err, "ADMIN_TOKEN: ")
		require.NotContains(t, err.Error(), bad)
	}
	_, err := LoadTokens(TokenOptions{File: "/nowhere/tokens", Log: log})
	require.ErrorContains(t, err, "ADMIN_TOKENS_FILE: ")
	path := tokensFile(t, "anna canary-anna-token-1234\n")
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = LoadTokens(TokenOptions{File: path, Log: log})
	require.ErrorContains(t, err, "chmod 6")
	require.NotContains(t, logs.String(), "canary")
}

func TestTheFileOfTokensIsReadAgain(t *testing.T) {
	log, logs := testenv.Logs(t)
	path := tokensFile(t, "anna canary-anna-token-1234\n")
	tokens, err := LoadTokens(TokenOptions{File: path, Log: log})
	require.NoError(t, err)
	defer tokens.Watch()()
	opens := func(token string) bool { _, found := tokens.find(token); return found }
	becomes := func(text, token string, want bool) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.Eventually(t, func() bool { return opens(token) == want }, testenv.Patience, 20*time.Millisecond)
	}
	becomes("anna canary-anna-token-1234\nbert canary-bert-token-1234\n", "canary-bert-token-1234", true)
	becomes("bert canary-bert-token-1234\n", "canary-anna-token-1234", false)
	require.NoError(t, os.WriteFile(path, []byte("bert\n"), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(logs.String(), "line 1 of") }, testenv.Patience, 20*time.Millisecond)
	require.True(t, opens("canary-bert-token-1234"), "what is broken changes nothing")
	becomes("# nobody\n", "canary-bert-token-1234", false)
	becomes("short 1234\n", "1234", true)
	require.Eventually(t, func() bool { return strings.Contains(logs.String(), "can be guessed") }, testenv.Patience, 20*time.Millisecond)
	require.NotContains(t, logs.String(), "canary")
}
