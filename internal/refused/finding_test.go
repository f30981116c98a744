package refused

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

// A reader who isn't told that some secrets were not tried would believe that none of ours made the signature.
func TestAFindingSaysWhichSecretsWereNotTried(t *testing.T) {
	const untried = "the secrets in PostgreSQL, which could not be read"
	for name, tc := range map[string]struct {
		d    Delivery
		says bool
	}{
		"no secret made it":                   {strangers, true},
		"another installation's secret did":   {of(body, header, delivery.Sign("whsec_theirs", []byte(body))), true},
		"a secret of ours did":                {of(body, header, strings.ToUpper(sign(body))), false},
		"there is none, whoever has a secret": {of(body), false},
	} {
		all, some := Explain(tc.d, Secrets{Keys: keys}), Explain(tc.d, Secrets{Keys: keys, Untried: untried})
		require.NotContains(t, all.Summary+all.Advice, "not tried", name)
		require.Equal(t, all.Causes, some.Causes, name)
		if !tc.says {
			require.Equal(t, all, some, name)
			continue
		}
		require.Contains(t, some.Summary, "; not tried: "+untried, name)
		require.Contains(t, some.Advice, "the platform delivers it again", name)
		require.Contains(t, some.Advice, "inorder doctor FILE", name)
		require.True(t, strings.HasSuffix(some.Advice, all.Advice), "%s: what is to be done if it was none of them", name)
	}
	s, _ := sampleOf(Refusal{Delivery: of(body, header, sign("x"), "Via", "1.1 a"), Reason: BadSignature}, Secrets{Untried: untried + ", and " + untried}, false)
	require.NotContains(t, s.Summary+s.Advice, "…", "what is kept has room for all of it")
}

func TestWhatMayHaveChangedTheBodyIsNamedIfTheHeadersHintAtIt(t *testing.T) {
	const (
		unpacked = "but it is plain JSON"
		coded    = "The delivery has a Content-Encoding"
		proxied  = "came through a proxy"
	)
	packed := gzipped(body)
	for name, tc := range map[string]struct {
		d    Delivery
		says string
	}{
		"unpacked, the header left":   {of(body, header, sign("x"), "content-encoding", "gzip", "Via", "1.1 a"), unpacked},
		"still packed":                {of(packed, header, sign("x"), "Content-Encoding", "gzip"), coded},
		"packed as nobody here reads": {of("\x0b\x02\x80", header, sign("x"), "Content-Encoding", "br"), coded},
		"not encoded":                 {of(body, header, sign("x"), "Content-Encoding", "identity"), ""},
		"through nginx":               {of(body, header, sign("x"), "x-forwarded-for", "192.0.2.1"), proxied + " (X-Forwarded-For)"},
		"through Cloudflare":          {of(body, header, sign("x"), "CF-RAY", "1"), proxied + " (Cf-Ray)"},
		"from next door":              {of(body, header, sign("x")), ""},
		"without a signature":         {of(body, "Via", "1.1 a"), ""},
		"by a secret of ours":         {of(body, header, strings.ToUpper(sign(body)), "Via", "1.1 a", "Content-Encoding", "gzip"), ""},
	} {
		advice := Explain(tc.d, Secrets{Keys: keys}).Advice
		require.Contains(t, advice, tc.says, name)
		for _, other := range []string{unpacked, coded, proxied} {
			if !strings.HasPrefix(tc.says, other) {
				require.NotContains(t, advice, other, name)
			}
		}
		require.NotContains(t, advice, "192.0.2.1", name)
	}
}
