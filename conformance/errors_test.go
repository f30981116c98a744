package conformance

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

type config map[string]any

func TestErrorsAreTheSDKsOwn(t *testing.T) {
	list := []any{"webhooks.adminList"}
	for name, tc := range map[string]struct {
		client config
		faults standin.Faults
		call   []any
		want   sdkError
	}{
		"no key":              {client: config{"apiKey": ""}, call: list, want: sdkError{Status: 401, Code: "MISSING_API_KEY", IsAuthError: true}},
		"an unknown key":      {client: config{"apiKey": "sk_test_other"}, call: list, want: sdkError{Status: 401, Code: "INVALID_API_KEY", IsAuthError: true}},
		"a publishable key":   {client: config{"apiKey": "pk_test_standin"}, call: list, want: sdkError{Status: 403, Code: "PERMISSION_DENIED"}},
		"a URL without TLS":   {call: []any{"webhooks.adminCreate", map[string]any{"url": "http://shop.example.com", "events": []string{"*"}}}, want: sdkError{Status: 400, Code: "VALIDATION_ERROR", IsValidationError: true}},
		"an unknown event":    {call: []any{"webhooks.adminCreate", hook("order.eaten")}, want: sdkError{Status: 400, Code: "VALIDATION_ERROR", IsValidationError: true}},
		"a limit over 100":    {call: []any{"orders.adminList", map[string]any{"limit": 101}}, want: sdkError{Status: 400, Code: "VALIDATION_ERROR", IsValidationError: true}},
		"a webhook not there": {call: []any{"webhooks.adminGet", "wh_none"}, want: sdkError{Status: 404, Code: "RESOURCE_NOT_FOUND", IsNotFound: true}},
		"an order not there":  {call: []any{"orders.adminGet", "ord_none"}, want: sdkError{Status: 404, Code: "RESOURCE_NOT_FOUND", IsNotFound: true}},
		"too many requests":   {faults: standin.Faults{RateLimit: standin.Fault{Next: 1}}, call: list, want: sdkError{Status: 429, Code: "RATE_LIMIT_EXCEEDED", IsRateLimitError: true}},
		"an internal error":   {faults: standin.Faults{ServerError: standin.Fault{Next: 1}}, call: list, want: sdkError{Status: 500, Code: "INTERNAL_ERROR"}},
		"a cut connection":    {faults: standin.Faults{Lose: standin.Fault{Share: 1}}, call: list, want: sdkError{Code: "NETWORK_ERROR"}},
		"a slow answer":       {client: config{"timeout": 100}, faults: standin.Faults{Slow: standin.Fault{Next: 1}, SlowMillis: 60_000}, call: list, want: sdkError{Code: "TIMEOUT"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, standin.Options{Keys: []string{key, "pk_test_standin"}, Faults: tc.faults})
			r.client["maxRetries"] = 0
			maps.Copy(r.client, tc.client)
			got := r.try(tc.call[0].(string), tc.call[1:]...).Error
			require.NotNil(t, got)
			require.NotEmpty(t, got.Message)
			tc.want.Name, tc.want.Official = "HeadlessCommerceError", true // the SDK throws no other errors
			tc.want.Message, tc.want.Details = got.Message, got.Details
			require.Equal(t, tc.want, *got)
		})
	}
}

func TestErrorsHaveDetails(t *testing.T) {
	r := newRig(t, standin.Options{})
	require.JSONEq(t, `{"resource":"Order","id":"ord_none"}`, string(r.try("orders.adminGet", "ord_none").Error.Details))
}

func TestTheSDKRetries(t *testing.T) {
	r := newRig(t, standin.Options{})
	r.faults(standin.Faults{RateLimit: standin.Fault{Next: 1}, ServerError: standin.Fault{Next: 1}})
	a := r.try("webhooks.adminCreate", hook("*"))
	require.Nil(t, a.Error)
	require.Equal(t, 3, a.Attempts)
	require.Equal(t, 1, r.Stats().Webhooks, "a refused request changes nothing")

	r.faults(standin.Faults{ServerError: standin.Fault{Next: 9}})
	a = r.try("webhooks.adminCreate", hook("*"))
	require.Equal(t, 500, a.Error.Status)
	require.Equal(t, 3, a.Attempts, "and gives up after two")
	require.Equal(t, 1, r.Stats().Webhooks)
}
