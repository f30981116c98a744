package delivery

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatCanBeASecret(t *testing.T) {
	for _, secret := range []string{
		"whsec_test_4f1d2c3b4a59687786950a1b2c3d4e5f", "whsec_c2VjcmV0cw==", "whsec_c2VjcmV0cw=", "c2Vj/cmV0+cw==", "mine", "it's", "whsec#1", "geheimnis-für-uns",
	} {
		require.NoError(t, CheckSecret(secret), secret)
	}
}

func TestWhatCannotBeASecret(t *testing.T) {
	for secret, says := range map[string]string{
		"":                           "empty",
		`"whsec_hush"`:               "quote",
		`'whsec_hush'`:               "quote",
		"`whsec_hush`":               "quote",
		"“whsec_hush”":               "quote",
		`"whsec_hush`:                "quote",
		`whsec_hush"`:                "quote",
		"whsec_hu sh":                "blank",
		"whsec_hu\u00a0sh":           "blank",
		"whsec_hush\nwhsec_hush":     "line break",
		"whsec_hu\x00sh":             "invisible",
		"\ufeffwhsec_hush":           "invisible",
		"whsec_hu\u200bsh":           "invisible",
		"whsec_hu\xffsh":             "UTF-8",
		"WEBHOOK_SECRETS=whsec_hush": "NAME=VALUE",
		"secret=hush":                "NAME=VALUE",
		"WEBHOOK_SECRETS=":           "NAME=VALUE",
		"whsec_hush,whsec_hush":      "comma",
	} {
		err := CheckSecret(secret)
		require.ErrorContains(t, err, says, "%q", secret)
		require.NotContains(t, err.Error(), "hush")
	}
}
