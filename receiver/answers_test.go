package receiver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"inorder/internal/delivery"
	"inorder/internal/ready"
)

// exchange is a request, and how it must be answered.
type exchange struct {
	req     *http.Request
	starter *fakeStarter // if nil, one that takes everything

	status int
	body   string
	result string
	log    string // a part of it
}

func requireAnswers(t *testing.T, exchanges map[string]exchange) {
	for name, tc := range exchanges {
		t.Run(name, func(t *testing.T) {
			signature := tc.req.Header.Get(delivery.SignatureHeader)
			if tc.starter == nil {
				tc.starter = &fakeStarter{}
			}
			r, logs := newTest(t, tc.starter, nil)
			res, body := send(t, r, tc.req)

			require.Equal(t, tc.status, res.StatusCode)
			require.Equal(t, tc.body, body)
			require.Equal(t, tc.result, res.Header.Get(delivery.ResultHeader))
			require.Empty(t, res.Header.Get("Server"))
			require.Equal(t, tc.status == 503, res.Header.Get("Retry-After") != "")
			require.Equal(t, tc.status == 405, res.Header.Get("Allow") != "")
			if tc.status >= 400 && tc.status < 500 {
				require.Empty(t, tc.starter.all())
			}
			require.Contains(t, logs.String(), tc.log)
			for _, private := range []string{vectorSecret, oldSecret, signature, ":78000", "order_0815"} {
				if private != "" {
					require.NotContains(t, logs.String(), private)
				}
			}
		})
	}
}

func TestAuthenticDeliveriesAreAccepted(t *testing.T) {
	requireAnswers(t, map[string]exchange{
		"a new event is accepted": {
			req: posted(vectorBody), status: 200, body: "OK", result: "accepted", log: `"event_id":"evt_abc123"`,
		},
		"the same event again is a duplicate": {
			req: posted(vectorBody), starter: &fakeStarter{err: serviceerror.NewWorkflowExecutionAlreadyStarted("started already", "request", "run")}, status: 200, body: "OK", result: "duplicate",
		},
		"the header's name in lower case is the same": {
			req: with(with(posted(vectorBody), delivery.SignatureHeader), "x-webhook-signature", vectorSignature), status: 200, body: "OK", result: "accepted",
		},
		"another valid secret is as good": {
			req: with(posted(vectorBody), delivery.SignatureHeader, delivery.Sign(oldSecret, []byte(vectorBody))), status: 200, body: "OK", result: "accepted",
		},
		"plain bytes that claim to be gzip are verified as they are": {
			req: with(posted(vectorBody), "Content-Encoding", "gzip"), status: 200, body: "OK", result: "accepted",
		},
		"bytes that claim to be multipart are verified as they are": {
			req: with(posted(vectorBody), "Content-Type", "multipart/form-data; boundary=x"), status: 200, body: "OK", result: "accepted",
		},
		"a query changes nothing": {
			req: withURL(posted(vectorBody), delivery.Path+"?source=platform"), status: 200, body: "OK", result: "accepted",
		},
	})
}

func TestOtherSignaturesAreRefused(t *testing.T) {
	requireAnswers(t, map[string]exchange{
		"no signature":               {req: with(posted(vectorBody), delivery.SignatureHeader), status: 401, body: "Invalid signature", log: "no single signature"},
		"an empty signature":         {req: with(posted(vectorBody), delivery.SignatureHeader, ""), status: 401, body: "Invalid signature"},
		"an upper-case signature":    {req: with(posted(vectorBody), delivery.SignatureHeader, strings.ToUpper(vectorSignature)), status: 401, body: "Invalid signature"},
		"a prefixed signature":       {req: with(posted(vectorBody), delivery.SignatureHeader, "sha256="+vectorSignature), status: 401, body: "Invalid signature"},
		"a wrong signature":          {req: with(posted(vectorBody), delivery.SignatureHeader, delivery.Sign("whsec_other", []byte(vectorBody))), status: 401, body: "Invalid signature", log: "matches no valid secret"},
		"two signatures":             {req: with(posted(vectorBody), delivery.SignatureHeader, vectorSignature, vectorSignature), status: 401, body: "Invalid signature", log: "no single signature"},
		"two signatures in one line": {req: with(posted(vectorBody), delivery.SignatureHeader, vectorSignature+", "+vectorSignature), status: 401, body: "Invalid signature"},
		"bad JSON, badly signed":     {req: with(posted(`{`), delivery.SignatureHeader, vectorSignature), status: 401, body: "Invalid signature"},
		"no body, no signature":      {req: with(posted(""), delivery.SignatureHeader), status: 401, body: "Invalid signature"},
	})
}

func TestWhatIsNoEventIsRefused(t *testing.T) {
	requireAnswers(t, map[string]exchange{
		"no body":      {req: posted(""), status: 400, body: "the body must be a JSON object"},
		"not JSON":     {req: posted("order_0815"), status: 400, body: "the body must be a JSON object"},
		"a JSON array": {req: posted("[]"), status: 400, body: "the body must be a JSON object"},
		"null":         {req: posted("null"), status: 400, body: "the body must be a JSON object"},
		"two objects":  {req: posted("{}{}"), status: 400, body: "the body must be a JSON object"},
		"compressed and so no JSON": {
			req: with(posted(gzipped(vectorBody)), "Content-Encoding", "gzip"), status: 400, body: "the body must be a JSON object",
		},
		"no type":                {req: posted(`{"id":"evt_1"}`), status: 400, body: "type is missing"},
		"an empty type":          {req: posted(`{"id":"evt_1","type":""}`), status: 400, body: "type is missing"},
		"a type of another kind": {req: posted(`{"id":"evt_1","type":7}`), status: 400, body: "type must be a string"},
		"an ID with a slash":     {req: posted(`{"id":"a/b","type":"order.paid"}`), status: 400, body: idLine},
		"an ID with a line feed": {req: posted(`{"id":"a\n","type":"order.paid"}`), status: 400, body: idLine},
		"an ID of 65 characters": {req: posted(`{"id":"` + strings.Repeat("a", 65) + `","type":"order.paid"}`), status: 400, body: idLine},
		"an empty ID":            {req: posted(`{"id":"","type":"order.paid"}`), status: 400, body: idLine},
		"an ID of another kind":  {req: posted(`{"id":17,"type":"order.paid"}`), status: 400, body: idLine},
	})
}

func TestTheNamesOfOurOwnEventsAreRefused(t *testing.T) {
	requireAnswers(t, map[string]exchange{
		"an ID of our own": {
			req: posted(`{"id":"inorder-reconcile-1","type":"order.paid"}`), status: 400,
			body: "id must not begin with inorder-, which is reserved for inorder's own events",
		},
		"an ID that only looks like one of ours": {
			req: posted(`{"id":"inorder_1","type":"order.paid"}`), status: 200, body: "OK", result: "accepted",
		},
		"the type of our own events": {
			req: posted(`{"id":"evt_1","type":"order.reconciled"}`), status: 400,
			body: "type must not be order.reconciled, which is reserved for inorder's own events",
		},
	})
}

func TestWhatTemporalDoesNotTakeIs503(t *testing.T) {
	requireAnswers(t, map[string]exchange{
		"Temporal is away": {
			req: posted(vectorBody), starter: &fakeStarter{err: serviceerror.NewUnavailable("dial 10.1.2.3:7233: refused")},
			status: 503, body: "Service Unavailable", log: `"event_id":"evt_abc123"`,
		},
		"Temporal is exhausted": {
			req: posted(vectorBody), starter: &fakeStarter{err: &serviceerror.ResourceExhausted{Message: "too fast"}},
			status: 503, body: "Service Unavailable", log: "too fast",
		},
		"Temporal lacks the search attributes": {
			req: posted(vectorBody), starter: &fakeStarter{err: serviceerror.NewInvalidArgument("Namespace default has no mapping defined for search attribute OrderId")},
			status: 503, body: "Service Unavailable", log: "inorder migrate",
		},
		"Temporal finds something else invalid": {
			req: posted(vectorBody), starter: &fakeStarter{err: serviceerror.NewInvalidArgument("blob too large")},
			status: 503, body: "Service Unavailable", log: "event not accepted",
		},
		"an error of unknown kind from the start": {
			req: posted(vectorBody), starter: &fakeStarter{err: errors.New("codec")}, status: 503, body: "Service Unavailable", log: "codec",
		},
		"a panic": {
			req: posted(vectorBody), starter: &fakeStarter{block: func(context.Context) error { panic("boom") }},
			status: 500, body: "Internal Server Error", log: "boom",
		},
	})
}

func TestOtherRequests(t *testing.T) {
	requireAnswers(t, map[string]exchange{
		"alive":                       {req: httptest.NewRequest("GET", ready.HealthPath, nil), status: 200, body: "alive"},
		"an unknown path":             {req: httptest.NewRequest("GET", "/webhooks", nil), status: 404, body: "Not Found"},
		"the path in another case":    {req: withURL(posted(vectorBody), "/Webhooks/hc"), status: 404, body: "Not Found"},
		"a GET of the webhook path":   {req: httptest.NewRequest("GET", delivery.Path, nil), status: 405, body: "Method Not Allowed"},
		"a PUT of the webhook path":   {req: httptest.NewRequest("PUT", delivery.Path, strings.NewReader(vectorBody)), status: 405, body: "Method Not Allowed"},
		"a POST of the liveness path": {req: httptest.NewRequest("POST", ready.HealthPath, nil), status: 405, body: "Method Not Allowed"},
	})
}

const idLine = "id must be a string of 1 to 64 characters out of A-Z a-z 0-9 . _ : -"

func TestRefusedMethodNamesTheAllowedOne(t *testing.T) {
	r, _ := newTest(t, &fakeStarter{}, nil)
	res, _ := send(t, r, httptest.NewRequest("GET", delivery.Path, nil))
	require.Equal(t, "POST", res.Header.Get("Allow"))
}

func TestRotatedSecretCountsAtOnce(t *testing.T) {
	valid := delivery.Secrets{oldSecret}
	r, _ := newTest(t, &fakeStarter{}, func(o *Options) { o.Verifier = valid })
	res, _ := send(t, r, posted(vectorBody))
	require.Equal(t, 401, res.StatusCode)
	valid[0] = vectorSecret
	res, _ = send(t, r, posted(vectorBody))
	require.Equal(t, 200, res.StatusCode)
}

func TestNoSecretsAcceptNothing(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}} {
		r, _ := newTest(t, &fakeStarter{}, func(o *Options) { o.Verifier = delivery.Secrets(secrets) })
		res, _ := send(t, r, with(posted(vectorBody), delivery.SignatureHeader, delivery.Sign("", []byte(vectorBody))))
		require.Equal(t, 401, res.StatusCode)
	}
}

func TestStartThatIsNotAnsweredIs503(t *testing.T) {
	starter := &fakeStarter{block: func(ctx context.Context) error {
		<-ctx.Done()
		return serviceerror.NewDeadlineExceeded("context deadline exceeded")
	}}
	r, logs := newTest(t, starter, func(o *Options) {
		// Long enough that the start has its slot by then, even on a busy machine.
		o.StarterName, o.StartTimeout = "Temporal at 127.0.0.1:7233", 200*time.Millisecond
	})
	res, _ := send(t, r, posted(vectorBody))
	require.Equal(t, 503, res.StatusCode)
	require.Equal(t, "5", res.Header.Get("Retry-After"))
	require.Contains(t, logs.String(), `"order_id":"order_001"`)
	require.Contains(t, logs.String(), `"cause":"Temporal at 127.0.0.1:7233 did not answer within 200ms"`)
}
