package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/dev/vector"
	"inorder/internal/delivery"
	"inorder/internal/refused"
	"inorder/internal/webhooks/secrets"
)

const theirs = "whsec_of_another_installation"

// askedWith is asked with something on standard input.
func askedWith(ctx context.Context, in, line string) (out, errs string, code int) {
	var o, e testenv.Output
	code = run(ctx, wordsOf(line), streams{in: strings.NewReader(in), out: &o, err: &e})
	return o.String(), e.String(), code
}

func TestDoctorTriesSecretsThatReceiversDoNotHave(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", vector.Secret, "DATABASE_URL", "")
	dir := t.TempDir()
	body, others := filepath.Join(dir, "body"), filepath.Join(dir, "others")
	require.NoError(t, os.WriteFile(body, []byte(vector.Body), 0o600))
	require.NoError(t, os.WriteFile(others, []byte("# staging\nwhsec_of_nobody\n"+theirs+" 2026-01-01T00:00:00Z\n"+vector.Secret+"\n"), 0o600))
	signed := func(secret string) string { return " --signature " + delivery.Sign(secret, []byte(vector.Body)) }
	name, line := secrets.Name(theirs), "line 3 of "
	for _, tc := range []struct {
		line, secret, source string
		causes               []refused.Cause
	}{
		{"doctor " + body + signed(theirs), "", "", []refused.Cause{"no_match"}},
		{"doctor " + body + signed(theirs) + " --secrets-file " + others, name, line + others, []refused.Cause{"other_webhook"}},
		{"doctor " + body + signed(theirs) + " --secrets-file -", name, line + "standard input", []refused.Cause{"other_webhook"}},
		{"doctor " + body + " --signature " + strings.ToUpper(signed(theirs)[13:]) + " --secrets-file " + others, name, line + others, []refused.Cause{"other_webhook", "upper_case"}},
		{"doctor " + body + signed("whsec_of_a_stranger") + " --secrets-file " + others, "", "", []refused.Cause{"no_match"}},
		{"doctor " + body + " --signature " + strings.ToUpper(vector.Signature) + " --secrets-file " + others, secrets.Name(vector.Secret), "WEBHOOK_SECRETS", []refused.Cause{"upper_case"}},
		{"doctor " + body + signed(vector.Secret) + " --secrets-file " + others, secrets.Name(vector.Secret), "WEBHOOK_SECRETS", []refused.Cause{"nothing"}},
	} {
		in, err := os.ReadFile(others)
		require.NoError(t, err)
		out, errs, code := askedWith(t.Context(), string(in), tc.line)
		require.Zero(t, code, errs)
		for _, secret := range []string{"whsec_of", vector.Secret} {
			require.NotContains(t, out+errs, secret, tc.line)
		}
		out, _, _ = askedWith(t.Context(), string(in), tc.line+" --json")
		e := document[explanation](t, out)
		require.Equal(t, tc.causes, e.Causes, "%s: %s", tc.line, e.Summary)
		require.Equal(t, tc.secret, e.Secret, tc.line)
		require.Equal(t, tc.source, e.Source, tc.line)
		if strings.Contains(tc.line, "--secrets-file") {
			require.Equal(t, 3, e.Secrets, "one of them is known")
		}
	}
	delivered := "X-Webhook-Signature: " + delivery.Sign(theirs, []byte(vector.Body)) + "\r\n\r\n" + vector.Body
	out, errs, code := askedWith(t.Context(), delivered, "doctor - --secrets-file "+others)
	require.Zero(t, code, errs)
	require.Contains(t, strings.Join(strings.Fields(out), " "), "Why: Secret "+name+" of line 3 of "+others+" made the signature, but receivers with these settings do not verify with it.")
}

// However large the body is, each secret is tried with as much work as if it were the only one.
func TestDoctorTriesEachSecretOfOthersByItself(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", vector.Secret, "DATABASE_URL", "")
	_, write := files(t)
	large := `{"id": "evt_1", "type": "order.updated", "data": {"note": "` + strings.Repeat("a", 1_000_000) + `"}}`
	body, others := write("body", large+"\n"), write("others", strings.Repeat("whsec_of_nobody\n", 5)+theirs)
	out, errs, code := asked(t, "doctor "+body+" --json --secrets-file "+others+" --signature "+delivery.Sign(theirs, []byte(large)))
	require.Zero(t, code, errs)
	require.Equal(t, []refused.Cause{"other_webhook", "newline"}, document[explanation](t, out).Causes)
}

func TestDoctorOnABadFileOfSecrets(t *testing.T) {
	clean(t, "WEBHOOK_SECRETS", vector.Secret, "DATABASE_URL", "")
	dir, write := files(t)
	body := write("body", vector.Body)
	open := write("open", "whsec_hush")
	require.NoError(t, os.Chmod(open, 0o644))
	file := "doctor " + body + " --signature " + vector.Signature + " --secrets-file="
	for line, says := range map[string]string{
		file + filepath.Join(dir, "nowhere"): "no such file or directory; it must be a file with one secret a line, or - for standard input",
		file + dir:                           "is not a file",
		file:                                 "--secrets-file needs the path of a file",
		file + write("empty", "# none\n"):    "holds no secret; write one a line",
		file + "-":                           "standard input holds no secret",
		file + write("wrong", "whsec_hush tomorrow"):                      "line 1 of ",
		file + write("many", strings.Repeat("whsec_hush\n", maxOthers+1)): "holds 101 secrets, but at most 100 can be tried",
		file + open:                                  "is readable or writable by too many users (mode 644)",
		"doctor --secrets-file " + open:              "a delivery in a file: give its path",
		"doctor 17 --secrets-file " + open:           "the body of a kept delivery is gone",
		"doctor - --secrets-file -":                  "either the delivery or the secrets",
		"doctor nowhere.http --secrets-file " + open: "DELIVERY is a number of `inorder refused list`, a file, or -",
		"doctor --public-url http://127.0.0.1:1/x --secrets-file " + open + "  ": "give its path",
	} {
		_, errs, code := asked(t, line)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, says, line)
		require.NotContains(t, errs, "hush", line)
	}
}
