package refused

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/vector"
	"inorder/internal/delivery"
	"inorder/internal/platform"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

const (
	standardSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	body           = `{"id":"evt_1","type":"order.paid","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_1","number":1001,"note":"café <a/b> 완료","total":{"amount":78000,"currency":"KRW"},"lines":[]}}`
)

var keys = []Key{
	{Secret: vector.Secret, Name: "11111111", Source: "WEBHOOK_SECRETS"},
	{Secret: "whsec_old", Name: "22222222", Source: "WEBHOOK_SECRETS", Ends: noon.Add(-time.Hour)},
	{Secret: "whsec_gone", Name: "33333333", Source: "wh_3", Ends: noon.Add(-time.Hour)},
	{Secret: "whsec_theirs", Name: "44444444", Source: "wh_4", Unknown: true},
	{Secret: standardSecret, Name: "55555555", Source: "wh_5"},
}

func mac(of func() hash.Hash, key, text string) []byte {
	h := hmac.New(of, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sign(body string) string { return delivery.Sign(vector.Secret, []byte(body)) }

func base64Of(signature string) string {
	raw, _ := hex.DecodeString(signature)
	return base64.StdEncoding.EncodeToString(raw)
}

// of returns a delivery with headers: name, value, ….
func of(body string, headers ...string) Delivery {
	d := Delivery{Header: http.Header{}, Body: []byte(body), At: noon}
	for i := 0; i < len(headers); i += 2 {
		d.Header.Add(headers[i], headers[i+1])
	}
	return d
}

// signed returns a delivery with the signature of another body.
func signed(arrives, wasSigned string) Delivery {
	return of(arrives, delivery.SignatureHeader, sign(wasSigned))
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func zipped(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func indented(text, indent string) string {
	var b bytes.Buffer
	_ = json.Indent(&b, []byte(text), "", indent)
	return b.String()
}

// remarshalled is JSON as Go writes a map: sorted, with < and > escaped.
func remarshalled(text string) string {
	var v map[string]any
	_ = json.Unmarshal([]byte(text), &v)
	out, _ := json.Marshal(v)
	return string(out)
}

// python is json.dumps of the body, byte for byte, as Python 3.11 wrote it.
const python = `{"id": "evt_1", "type": "order.paid", "created_at": "2025-01-15T10:30:00Z", "data": {"id": "order_1", "number": 1001, "note": "caf\u00e9 <a/b> \uc644\ub8cc", "total": {"amount": 78000, "currency": "KRW"}, "lines": []}}`

// php is json_encode of the body.
const php = `{"id":"evt_1","type":"order.paid","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_1","number":1001,"note":"caf\u00e9 <a\/b> \uc644\ub8cc","total":{"amount":78000,"currency":"KRW"},"lines":[]}}`

const header = delivery.SignatureHeader

// standard returns a delivery by Standard Webhooks that was signed at a given time.
func standard(at string) Delivery {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(standardSecret, "whsec_"))
	text := base64.StdEncoding.EncodeToString(mac(sha256.New, string(key), "msg_1."+at+"."+body))
	return of(body, "webhook-id", "msg_1", "webhook-timestamp", "1700000000", "webhook-signature", "v1,AAAA v1,"+text)
}

// latin is the body in Latin-1.
var latin = strings.ReplaceAll(strings.ReplaceAll(body, "é", "\xe9"), " 완료", "")

var wrong = map[string]struct {
	d      Delivery
	causes []Cause
	secret string
}{
	"an old secret":                   {of(body, header, delivery.Sign("whsec_old", []byte(body))), []Cause{CauseOldSecret}, "22222222"},
	"an ended secret":                 {of(body, header, delivery.Sign("whsec_gone", []byte(body))), []Cause{CauseEndedSecret}, "33333333"},
	"another webhook's":               {of(body, header, delivery.Sign("whsec_theirs", []byte(body))), []Cause{CauseOtherWebhook}, "44444444"},
	"a secret that came late":         {signed(body, body), []Cause{CauseNothing}, "11111111"},
	"upper case":                      {of(body, header, strings.ToUpper(sign(body))), []Cause{CauseUpperCase}, "11111111"},
	"sha256=":                         {of(body, header, "sha256="+sign(body)), []Cause{CausePrefix}, "11111111"},
	"v1=":                             {of(body, header, "t=1,v1="+sign(body)), []Cause{CausePrefix}, "11111111"},
	"base64":                          {of(body, header, base64Of(sign(body))), []Cause{CauseBase64}, "11111111"},
	"base64 with a prefix":            {of(body, header, "sha256="+base64Of(sign(body))), []Cause{CausePrefix, CauseBase64}, "11111111"},
	"Standard Webhooks":               {standard("1700000000"), []Cause{CauseScheme, CauseKeyForm}, "55555555"},
	"Standard Webhooks, another time": {standard("1700000001"), []Cause{CauseScheme, CauseNoSignature}, ""},
	"Stripe's scheme":                 {of(body, header, "t=1700000000,v1="+sign("1700000000."+body)), []Cause{CauseScheme, CausePrefix}, "11111111"},
	"SHA-1":                           {of(body, header, hex.EncodeToString(mac(sha1.New, vector.Secret, body))), []Cause{CauseAlgorithm}, "11111111"},
	"another header":                  {of(body, "X-Hub-Signature-256", "sha256="+sign(body)), []Cause{CauseHeader, CausePrefix}, "11111111"},
	"two headers":                     {of(body, header, strings.Repeat("0", 64), header, sign(body)), []Cause{CauseSeveral}, "11111111"},
	"two wrong headers":               {of(body, header, strings.Repeat("0", 64), header, "x"), []Cause{CauseSeveral, CauseNoSignature}, ""},
	"no header":                       {of(body), []Cause{CauseMissing}, ""},
	"nothing at all":                  {of(""), []Cause{CauseMissing, CauseEmpty}, ""},
	"no signature in it":              {of(body, header, "hello"), []Cause{CauseMalformed}, ""},
	"a stranger's":                    {of(body, header, delivery.Sign("whsec_stranger", []byte(body))), []Cause{CauseNoSignature}, ""},
	"without whsec_":                  {of(body, header, delivery.Sign("test_4f1d2c3b4a59687786950a1b2c3d4e5f", []byte(body))), []Cause{CauseKeyForm}, "11111111"},
	"indented":                        {signed(indented(body, "  "), body), []Cause{CauseReserialised}, "11111111"},
	"compacted":                       {signed(body, indented(body, "    ")), []Cause{CauseReserialised}, "11111111"},
	"indented with tabs":              {signed(body, indented(body, "\t")), []Cause{CauseReserialised}, "11111111"},
	"sorted":                          {signed(body, remarshalled(body)), []Cause{CauseReserialised}, "11111111"},
	"Python's":                        {signed(body, python), []Cause{CauseReserialised}, "11111111"},
	"from Python's":                   {signed(python, body), []Cause{CauseReserialised}, "11111111"},
	"PHP's":                           {signed(body, php), []Cause{CauseReserialised}, "11111111"},
	"decompressed after":              {signed(body, gzipped(body)), []Cause{CauseDecompressed}, "11111111"},
	"compressed after":                {signed(gzipped(body), body), []Cause{CauseDecompressed}, "11111111"},
	"deflated after":                  {signed(zipped(body), body), []Cause{CauseDecompressed}, "11111111"},
	"a line break too many":           {signed(body+"\n", body), []Cause{CauseNewline}, "11111111"},
	"a line break too few":            {signed(body, body+"\n"), []Cause{CauseNewline}, "11111111"},
	"CRLF to LF":                      {signed("{\n}", "{\r\n}"), []Cause{CauseNewline}, "11111111"},
	"LF to CRLF":                      {signed("{\r\n}\r\n", "{\n}"), []Cause{CauseNewline}, "11111111"},
	"a BOM too many":                  {signed("\ufeff"+body, body), []Cause{CauseCharset}, "11111111"},
	"a BOM too few":                   {signed(body, "\ufeff"+body), []Cause{CauseCharset}, "11111111"},
	"Latin-1 to UTF-8":                {signed(strings.ToValidUTF8(strings.ReplaceAll(latin, "\xe9", "é"), ""), latin), []Cause{CauseCharset}, "11111111"},
	"twice encoded":                   {signed(strings.NewReplacer("é", "Ã©").Replace("café"), "café"), []Cause{CauseCharset}, "11111111"},
	"compressed and indented":         {signed(gzipped(indented(body, "  ")), body), []Cause{CauseDecompressed, CauseReserialised}, "11111111"},
	"indented and a line break":       {signed(body, indented(body, "  ")+"\n"), []Cause{CauseReserialised, CauseNewline}, "11111111"},
	"upper case, an old secret":       {of(body, header, strings.ToUpper(delivery.Sign("whsec_old", []byte(body)))), []Cause{CauseOldSecret, CauseUpperCase}, "22222222"},
	"an old secret, a line break":     {of(body+"\n", header, delivery.Sign("whsec_old", []byte(body))), []Cause{CauseOldSecret, CauseNewline}, "22222222"},
	"a line break, without whsec_":    {of(body, header, delivery.Sign("test_4f1d2c3b4a59687786950a1b2c3d4e5f", []byte(body+"\n"))), []Cause{CauseKeyForm, CauseNewline}, "11111111"},
}

func TestEachReasonIsFound(t *testing.T) {
	for name, c := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := Explain(c.d, Secrets{Keys: keys})
			require.Equal(t, c.causes, f.Causes, f.Summary)
			require.Equal(t, c.secret, f.Secret)
			require.Equal(t, c.secret != "", f.Explained())
			require.False(t, f.Partial)
			require.NotEmpty(t, f.Advice)
			require.Regexp(t, `^[A-Z].*\.$`, f.Summary)
			t.Log(f.Summary, "|", f.Advice)
			shows(t, f)
		})
	}
}

// shows requires that a finding shows nothing that it may not.
func shows(t *testing.T, f Finding) {
	text := f.Summary + f.Advice + f.Source
	for _, k := range keys {
		require.NotContains(t, text, string(k.Secret))
	}
	for _, part := range []string{"café", "order_1", "evt_1", sign(body), base64Of(sign(body))} {
		require.NotContains(t, text, part)
	}
}

func TestEveryCauseHasWords(t *testing.T) {
	for _, c := range Causes() {
		if w, known := words[c]; known {
			require.NotEmpty(t, w.do, c)
		}
	}
	require.Len(t, words, len(Causes())-7, "those of secrets, and of other reasons, have their own")
}

func TestTheWorkIsBounded(t *testing.T) {
	many := make([]Key, 1000)
	for i := range many {
		many[i] = Key{Secret: platform.Secret(strings.Repeat("s", i+1)), Name: "n"}
	}
	for name, d := range map[string]Delivery{
		"a large body":       signed(strings.Repeat("a", 1_900_000), "x"),
		"a deep body":        signed(strings.Repeat("[", 200_000), "x"),
		"a wide body":        signed("["+strings.Repeat("1,", 120_000)+"1]", "x"),
		"a bomb":             signed(gzipped(strings.Repeat("0", 100<<20)), "x"),
		"many line breaks":   signed(strings.Repeat("\n", 1<<20), "x"),
		"many signatures":    of(body, delivery.SignatureHeader, strings.Repeat(sign("x")+" ", 15)),
		"a huge signature":   of(body, delivery.SignatureHeader, strings.Repeat("a", 8<<10)),
		"nothing in between": of("", delivery.SignatureHeader, sign("x")),
	} {
		t.Run(name, func(t *testing.T) {
			const most = 5 * time.Second // on a busy machine; alone it takes a tenth of it
			took := most
			for tries := 0; took >= most && tries < 3; tries++ { // the machine may stall
				began := time.Now()
				require.False(t, Explain(d, Secrets{Keys: many}).Explained())
				took = time.Since(began)
			}
			require.Less(t, took, most)
			t.Log(took)
		})
	}
	// A secret that is valid is tried before the bound ends the search.
	d := signed(strings.Repeat("a", 1_900_000), "x")
	d.Header.Set(delivery.SignatureHeader, strings.ToUpper(sign(string(d.Body))))
	require.Equal(t, []Cause{CauseUpperCase}, Explain(d, Secrets{Keys: keys}).Causes)
}
