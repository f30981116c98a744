package conformance

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

// The stand-in's objects have all fields that the SDK's types declare, so that a program written against those types
// works with the stand-in.
func TestObjectsHaveTheFieldsOfTheSDKsTypes(t *testing.T) {
	r := newRig(t, standin.Options{})
	declared, err := os.ReadFile("node_modules/@headless-commerce/sdk/dist/index.d.ts")
	require.NoError(t, err)

	call[webhook](r, "webhooks.adminCreate", hook("*"))
	page := r.try("webhooks.adminList").Value
	order := r.place(standin.Placement{Actions: []string{"pay", "ship", "refund", "request_return"}})[0]
	got := r.try("orders.adminGet", order.ID).Value
	returned, err := json.Marshal(standin.Return{Lines: []standin.ReturnLine{{}}})
	require.NoError(t, err)

	for _, tc := range []struct {
		kind string
		in   json.RawMessage
		path []string
	}{
		{"Webhook", page, []string{"data", "0"}},
		{"PaginatedResponse<T>", page, nil},
		{"Order", got, nil},
		{"Address", got, []string{"shipping_address"}},
		{"OrderLine", got, []string{"lines", "0"}},
		{"Payment", got, []string{"payments", "0"}},
		{"Fulfillment", got, []string{"fulfillments", "0"}},
		{"FulfillmentLine", got, []string{"fulfillments", "0", "lines", "0"}},
		{"Refund", got, []string{"refunds", "0"}},
		{"RefundLine", got, []string{"refunds", "0", "lines", "0"}},
		{"Return", returned, nil},
		{"ReturnLine", returned, []string{"lines", "0"}},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			object := descend(t, tc.in, tc.path)
			for _, field := range fields(t, declared, tc.kind) {
				require.Contains(t, object, field)
			}
		})
	}
}

// fields returns the names of the required fields of an interface in the SDK's declarations.
func fields(t *testing.T, declared []byte, kind string) (names []string) {
	body := regexp.MustCompile(`(?m)^interface ` + kind + ` \{\n((?s:.*?))^\}`).FindSubmatch(declared)
	require.NotNil(t, body, "the SDK declares it")
	for _, m := range regexp.MustCompile(`(?m)^    (\w+): `).FindAllSubmatch(body[1], -1) {
		names = append(names, string(m[1]))
	}
	require.NotEmpty(t, names)
	return names
}

func descend(t *testing.T, in json.RawMessage, path []string) (object map[string]json.RawMessage) {
	for _, step := range path {
		if step == "0" {
			var list []json.RawMessage
			require.NoError(t, json.Unmarshal(in, &list))
			in = list[0]
			continue
		}
		require.NoError(t, json.Unmarshal(in, &object))
		in, object = object[step], nil
	}
	require.NoError(t, json.Unmarshal(in, &object))
	return object
}
