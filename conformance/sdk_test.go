// Package conformance tests the stand-in, and our signing and verifying of deliveries, against the platform's official SDK.
// package-lock.json pins the SDK; `make conformance/node_modules` installs it.
package conformance

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
)

const key = standin.DefaultKey

// rig is a stand-in and a process with the SDK that calls it.
type rig struct {
	*standin.Server
	t      *testing.T
	client map[string]any // the SDK's configuration

	requests *json.Encoder
	answers  *json.Decoder
	lastID   int
}

// answer is the result of a call: a value, or an error of the SDK.
type answer struct {
	ID       int             `json:"id"`
	Value    json.RawMessage `json:"value"`
	Error    *sdkError       `json:"error"`
	Attempts int             `json:"attempts"` // requests that the SDK made
}

type sdkError struct {
	Name    string          `json:"name"`
	Message string          `json:"message"`
	Code    string          `json:"code"`
	Status  int             `json:"status"`
	Details json.RawMessage `json:"details"`

	Official          bool `json:"official"` // instanceof HeadlessCommerceError
	IsValidationError bool `json:"isValidationError"`
	IsAuthError       bool `json:"isAuthError"`
	IsNotFound        bool `json:"isNotFound"`
	IsRateLimitError  bool `json:"isRateLimitError"`
}

func newRig(t *testing.T, o standin.Options) *rig {
	needSDK(t)
	server, api := testenv.StandIn(t, o)
	r := &rig{Server: server, t: t, client: map[string]any{"apiKey": key, "baseUrl": api}}

	node := exec.Command("node", "sdk.mjs")
	node.Stderr = os.Stderr
	stdin, err := node.StdinPipe()
	require.NoError(t, err)
	stdout, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start())
	t.Cleanup(func() {
		require.NoError(t, stdin.Close())
		require.NoError(t, node.Wait())
	})
	r.requests, r.answers = json.NewEncoder(stdin), json.NewDecoder(bufio.NewReader(stdout))
	return r
}

// needSDK skips the test if Node.js or the SDK is not installed; in CI it fails the test.
func needSDK(t *testing.T) {
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("node_modules/@headless-commerce/sdk/package.json")
	}
	testenv.Need(t, err, "without Node.js 20 and the platform's SDK (make conformance/node_modules), the stand-in and the signatures are not tested against it")
}

// try calls the SDK, and returns its value or error.
func (r *rig) try(call string, args ...any) answer {
	r.lastID++
	if args == nil {
		args = []any{}
	}
	require.NoError(r.t, r.requests.Encode(map[string]any{"id": r.lastID, "client": r.client, "call": call, "args": args}))
	var a answer
	require.NoError(r.t, r.answers.Decode(&a), "the SDK's process ended")
	require.Equal(r.t, r.lastID, a.ID)
	return a
}

// call calls the SDK, which must succeed, and decodes the value.
func call[T any](r *rig, name string, args ...any) (value T) {
	r.t.Helper()
	a := r.try(name, args...)
	require.Nil(r.t, a.Error, "%s: %+v", name, a.Error)
	if a.Value != nil {
		require.NoError(r.t, json.Unmarshal(a.Value, &value))
	}
	return value
}

// verifies reports whether the SDK's verifier accepts the signature. An exception counts as no.
func (r *rig) verifies(secret string, body []byte, signature string) bool {
	a := r.try("verify", base64.StdEncoding.EncodeToString(body), signature, secret)
	return a.Error == nil && string(a.Value) == "true"
}

func (r *rig) faults(f standin.Faults) { require.NoError(r.t, r.SetFaults(f)) }

func (r *rig) place(p standin.Placement) []standin.Order {
	orders, err := r.Place(p)
	require.NoError(r.t, err)
	return orders
}
