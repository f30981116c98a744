package conformance

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/standin"
	"inorder/dev/vector"
	"inorder/internal/delivery"
)

const vectorSecret, vectorBody, vectorSignature = vector.Secret, vector.Body, vector.Signature

type signatureCase struct {
	secret, body, signature string
	want                    bool
}

var otherSignatures = map[string]signatureCase{
	"the vector":             {vectorSecret, vectorBody, vectorSignature, true},
	"what we sign":           {vectorSecret, vectorBody, signed(vectorSecret, vectorBody), true},
	"upper case":             {vectorSecret, vectorBody, strings.ToUpper(vectorSignature), false},
	"one upper-case digit":   {vectorSecret, vectorBody, "E" + vectorSignature[1:], false},
	"a sha256= prefix":       {vectorSecret, vectorBody, "sha256=" + vectorSignature, false},
	"base64":                 {vectorSecret, vectorBody, vectorInBase64(), false},
	"cut short":              {vectorSecret, vectorBody, vectorSignature[:63], false},
	"a digit too many":       {vectorSecret, vectorBody, vectorSignature + "0", false},
	"a blank before it":      {vectorSecret, vectorBody, " " + vectorSignature, false},
	"a line break behind it": {vectorSecret, vectorBody, vectorSignature + "\n", false},
	"another digit":          {vectorSecret, vectorBody, "f" + vectorSignature[1:], false},
	"digits that look alike": {vectorSecret, vectorBody, strings.ReplaceAll(vectorSignature, "e", "е"), false},
	"none":                   {vectorSecret, vectorBody, "", false},
	"no hex at all":          {vectorSecret, vectorBody, strings.Repeat("z", 64), false},
}

var otherBodies = map[string]signatureCase{
	"a re-serialised body":           {vectorSecret, vectorAgain(), vectorSignature, false},
	"a body with a line break added": {vectorSecret, vectorBody + "\n", vectorSignature, false},
	"an empty body":                  {vectorSecret, "", signed(vectorSecret, ""), true},
	"an empty body, not its own":     {vectorSecret, "", vectorSignature, false},
	"a body that is not ASCII":       {vectorSecret, korean, signed(vectorSecret, korean), true},
	"that body, its text escaped":    {vectorSecret, strings.ReplaceAll(korean, "문", `\ubb38`), signed(vectorSecret, korean), false},
	"a NUL in the body":              {vectorSecret, "{\x00}", signed(vectorSecret, "{\x00}"), true},
	"a byte order mark":              {vectorSecret, "\ufeff" + vectorBody, signed(vectorSecret, "\ufeff"+vectorBody), true},
	"a byte order mark added":        {vectorSecret, "\ufeff" + vectorBody, vectorSignature, false},
	"a body of 2 MB":                 {vectorSecret, large, signed(vectorSecret, large), true},
}

var otherKeys = map[string]signatureCase{
	"a stripped key":             {strings.TrimPrefix(vectorSecret, "whsec_"), vectorBody, vectorSignature, false},
	"signed with a stripped key": {vectorSecret, vectorBody, signed(strings.TrimPrefix(vectorSecret, "whsec_"), vectorBody), false},
	"another key":                {vectorSecret + "0", vectorBody, vectorSignature, false},
	"a key with a line break":    {vectorSecret + "\n", vectorBody, vectorSignature, false},
	"an empty key's own":         {"", vectorBody, signed("", vectorBody), false},
	"a key that is not ASCII":    {"whsec_비밀🔑", vectorBody, signed("whsec_비밀🔑", vectorBody), true},
	"a key longer than a block":  {strings.Repeat("k", 100), vectorBody, signed(strings.Repeat("k", 100), vectorBody), true},
}

const korean = `{"id":"evt_1","type":"order.updated","data":{"note":"문 앞에 놓아주세요 🙏 \u0000 <&>"}}`

var large = `{"id":"evt_2","type":"order.updated","data":{"note":"` + strings.Repeat("가나다 ", 200_000) + `"}}`

func signed(secret, body string) string { return delivery.Sign(secret, []byte(body)) }

// vectorInBase64 returns the vector's signature in base64 instead of hex.
func vectorInBase64() string {
	digest, err := hex.DecodeString(vectorSignature)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(digest)
}

// vectorAgain returns the vector's body, decoded and encoded again.
func vectorAgain() string {
	var anything map[string]any
	if err := json.Unmarshal([]byte(vectorBody), &anything); err != nil {
		panic(err)
	}
	again, err := json.Marshal(anything)
	if err != nil {
		panic(err)
	}
	return string(again)
}

func TestOurVerifierAndTheSDKsAgree(t *testing.T) {
	r := newRig(t, standin.Options{})
	for _, cases := range []map[string]signatureCase{otherSignatures, otherBodies, otherKeys} {
		for name, tc := range cases {
			t.Run(name, func(t *testing.T) {
				require.Equal(t, tc.want, delivery.Verify(tc.secret, []byte(tc.body), tc.signature), "ours")
				require.Equal(t, tc.want, r.verifies(tc.secret, []byte(tc.body), tc.signature), "the SDK's")
			})
		}
	}
}

// This is the only difference: the SDK verifies text, which can't contain invalid UTF-8. We verify the bytes that were signed.
func TestOnlyWeVerifyWhatIsNoText(t *testing.T) {
	r := newRig(t, standin.Options{})
	body := []byte("{\"note\":\"\xff\"}")
	require.True(t, delivery.Verify(vectorSecret, body, delivery.Sign(vectorSecret, body)))
	require.False(t, r.verifies(vectorSecret, body, delivery.Sign(vectorSecret, body)))
}

// inbox is an HTTP server that keeps the deliveries that it receives.
type inbox struct {
	*httptest.Server
	mu  sync.Mutex
	got []delivered
}

type delivered struct {
	body      []byte
	signature string
}

func newInbox(t *testing.T) *inbox {
	in := &inbox{}
	in.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in.mu.Lock()
		defer in.mu.Unlock()
		in.got = append(in.got, delivered{body, r.Header.Get(delivery.SignatureHeader)})
	}))
	t.Cleanup(in.Close)
	return in
}

func TestTheSDKVerifiesWhatTheStandInDelivers(t *testing.T) {
	r, in := newRig(t, standin.Options{}), newInbox(t)
	made := call[webhook](r, "webhooks.adminCreate", map[string]any{"url": in.URL, "events": []string{"*"}})
	require.Equal(t, true, call[map[string]any](r, "webhooks.adminTest", made.ID)["success"])
	r.faults(standin.Faults{Duplicate: standin.Fault{Share: 0.5}})
	r.place(standin.Placement{Count: 5, Actions: []string{"fail_payment", "pay_part", "pay", "process", "ship", "deliver", "complete", "refund_part", "refund", "request_exchange", "complete_return"}})
	require.NoError(t, r.WaitIdle(t.Context()))
	in.mu.Lock()
	defer in.mu.Unlock()
	require.Greater(t, len(in.got), 100)
	for _, d := range in.got {
		require.True(t, r.verifies(*made.Secret, d.body, d.signature))
		require.False(t, r.verifies(*made.Secret, append(d.body, ' '), d.signature))
	}
}

// TestTheSDKVerifiesWhatInorderSends runs the built program, as a user does.
func TestTheSDKVerifiesWhatInorderSends(t *testing.T) {
	r, in := newRig(t, standin.Options{}), newInbox(t)
	program := filepath.Join(t.TempDir(), "inorder")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "inorder/cmd/inorder").CombinedOutput()
	require.NoError(t, err, string(out))
	file := filepath.Join(t.TempDir(), "event.json")
	require.NoError(t, os.WriteFile(file, []byte(vectorBody), 0o600))
	run := func(args ...string) (string, error) {
		cmd := exec.Command(program, append([]string{"send", "--url", in.URL}, args...)...)
		cmd.Env = append(os.Environ(), "WEBHOOK_SECRETS="+vectorSecret+",whsec_second", "DATABASE_URL=", "TEMPORAL_CONFIG_FILE="+os.DevNull)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	send := func(args ...string) {
		out, err := run(args...)
		require.NoError(t, err, out)
	}
	for _, eventType := range inorder.EventTypes() {
		send(eventType)
	}
	send("order.updated", "--data", "note=문 앞에 놓아주세요 🙏 <&>")
	send("--file", file)

	require.Len(t, in.got, len(inorder.EventTypes())+2)
	for _, d := range in.got {
		require.True(t, r.verifies(vectorSecret, d.body, d.signature))
		require.False(t, r.verifies("whsec_second", d.body, d.signature))
	}
	require.Equal(t, vectorSignature, in.got[len(in.got)-1].signature)

	in.got = nil
	text, err := run("--bad-signature", "order.created")
	require.Error(t, err, "it reports that a bad signature was accepted")
	require.Contains(t, text, "did not answer 401")
	require.Len(t, in.got, 1)
	require.False(t, r.verifies(vectorSecret, in.got[0].body, in.got[0].signature))
}
