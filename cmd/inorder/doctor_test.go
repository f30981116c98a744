package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/dev/vector"
	"inorder/internal/delivery"
	"inorder/internal/doctor"
	"inorder/internal/terminal"
)

func TestDoctorChecksTheInstallation(t *testing.T) {
	clean(t, "DATABASE_URL", testenv.MigratedURL(t), "TEMPORAL_ADDRESS", os.Getenv(testenv.TemporalVariable), "TEMPORAL_NAMESPACE", testenv.Namespace(t), "WEBHOOK_SECRETS", vector.Secret,
		"HEADLESS_COMMERCE_API_KEY", "")
	out, errs, code := asked(t, "doctor --json")
	require.Equal(t, exitError, code, "nothing was migrated")
	view := document[doctorView](t, out)
	require.Positive(t, view.Failed)
	require.Contains(t, errs, fmt.Sprintf("%d of %d checks failed", view.Failed, len(view.Checks)))
	require.NotContains(t, out, vector.Secret)

	_, errs, code = program(t.Context(), "migrate")
	require.Zero(t, code, errs)
	// A check of a server that is stalled for seconds is a note: then it is examined again.
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		out, _, _ := asked(t, "doctor")
		for _, part := range []string{"ok      schema ", "FAILED  workers ", "→ Start `inorder serve`", "note    webhooks ", "ok      Temporal's clock "} {
			require.Contains(c, out, part)
		}
		assert.NotContains(t, out, vector.Secret)
	}, testenv.Patience, 100*time.Millisecond)
}

func TestFindingsFitTheTerminal(t *testing.T) {
	o := screen{width: 60, height: 500}
	to := terminal.NewWriter(&o)
	writeFindings(to, []doctor.Finding{doctor.Noted("disk", strings.Repeat("do ", 30), "%s", strings.Repeat("says ", 30))})
	require.NoError(t, to.Flush())
	lines := strings.Split(strings.TrimSpace(plainText(o.String())), "\n")
	require.Greater(t, len(lines), 4)
	for i, line := range lines {
		require.LessOrEqual(t, runewidth.StringWidth(line), 60, line)
		if i > 0 {
			require.Equal(t, strings.Repeat(" ", 26), line[:26], "the text stands below its beginning: %q", line)
		}
	}
}

func TestDoctorExplainsAFile(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", vector.Secret, "DATABASE_URL", "")
	_, write := files(t)
	sent := func(signature, body string) string {
		return "POST /webhooks/hc HTTP/1.1\r\nHost: a.example\r\nContent-Length: " + fmt.Sprint(len(vector.Body)) + "\r\nx-webhook-signature: " + signature + "\r\n\r\n" + body
	}
	pad := func(body string) string { return body + strings.Repeat(" ", len(vector.Body)-len(body)) }
	ours := pad(`{"id":"inorder-replay-1","type":"order.updated"}`)
	upper := strings.ToUpper(vector.Signature)
	for _, tc := range []struct{ line, causes string }{
		{"doctor " + write("upper", sent(upper, vector.Body)), "upper_case"},
		{"doctor " + write("edited", sent(upper, vector.Body+"\n")), "upper_case"}, // by an editor that ends the last line
		{"doctor " + write("prefix", sent("sha256="+vector.Signature, vector.Body)), "prefix"},
		{"doctor " + write("chunked", "Transfer-Encoding: chunked\nX-Webhook-Signature: "+upper+fmt.Sprintf("\n\n%x\r\n%s\r\n0\r\n\r\n", len(vector.Body), vector.Body)), "upper_case"},
		{"doctor " + write("body", vector.Body) + " --signature " + upper, "upper_case"},
		{"doctor " + write("header", vector.Body) + " --header 'X-Hub-Signature: " + vector.Signature + "'", "other_header"},
		{"doctor " + write("stranger", sent(delivery.Sign("whsec_of_a_stranger", []byte(vector.Body)), vector.Body)), "no_match"},
		{"doctor " + write("well", sent(vector.Signature, vector.Body)), "nothing"},
		{"doctor " + write("nothing", pad("[1]")) + " --signature " + delivery.Sign(vector.Secret, []byte(pad("[1]"))), "not_an_event"},
		{"doctor " + write("ours", ours) + " --signature " + delivery.Sign(vector.Secret, []byte(ours)), "not_an_event"},
	} {
		out, errs, code := asked(t, tc.line)
		require.Zero(t, code, errs)
		require.NotContains(t, out, "did not know the secret yet", "nobody knows of which receiver a file is")
		require.Contains(t, out, "Why: ")
		require.Contains(t, out, "What to do: ")
		out, errs, code = asked(t, tc.line+" --json")
		require.Zero(t, code, errs)
		e := document[explanation](t, out)
		require.EqualValues(t, tc.causes, e.Causes[0], tc.line)
		require.Equal(t, len(vector.Body), e.Bytes, tc.line)
		for _, secret := range []string{vector.Secret, vector.Signature, upper} {
			require.NotContains(t, out+errs, secret)
		}
	}
}

func TestDoctorExplainsAFileThatIsTooLarge(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", vector.Secret, "DATABASE_URL", "", "MAX_BODY_BYTES", "100")
	body := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(body, []byte(vector.Body), 0o600))
	out, errs, code := asked(t, "doctor "+body+" --signature "+vector.Signature)
	require.Zero(t, code, errs)
	require.Contains(t, out, "MAX_BODY_BYTES, 100") // the size is checked before the signature
}

func TestDoctorSaysThatSecretsWereNotTried(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", "whsec_of_another_webhook", "DATABASE_URL", "postgres://inorder@127.0.0.1:1/inorder")
	body := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(body, []byte(vector.Body), 0o600))
	for _, more := range []string{"", " --json"} {
		out, errs, code := asked(t, "doctor "+body+" --signature "+vector.Signature+more)
		require.Zero(t, code, errs)
		require.Contains(t, strings.Join(strings.Fields(out), " "), "; not tried: the secrets in PostgreSQL, which could not be read: read the webhook secrets: failed to connect")
	}
	t.Setenv("DATABASE_URL", testenv.MigratedURL(t))
	require.Eventually(t, func() bool { // PostgreSQL has two seconds to answer
		out, _, _ := asked(t, "doctor "+body+" --signature "+vector.Signature)
		return !strings.Contains(out, "not tried")
	}, testenv.Patience, 50*time.Millisecond)
}

func TestDoctorOnBadInput(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", vector.Secret, "DATABASE_URL", "")
	body := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(body, []byte(vector.Body), 0o600))
	for line, says := range map[string]string{
		"doctor":                       "DATABASE_URL",
		"doctor 17":                    "DATABASE_URL",
		"doctor nowhere.http":          "a file, or - for standard input",
		"doctor " + body:               "add --signature",
		"doctor --signature ab":        "give its path",
		"doctor 17 --signature ab":     "./17 is a file",
		"doctor x --header ab":         "'NAME: VALUE'",
		"doctor --public-url ftp://x":  "--public-url",
		"doctor x --public-url http:/": "one of them",
	} {
		_, errs, code := asked(t, line)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, says, line)
	}
	t.Setenv("DATABASE_URL", testenv.MigratedURL(t))
	_, errs, code := asked(t, "doctor 17")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "there is no refused delivery 17")
}
