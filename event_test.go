package inorder_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"inorder"
)

// event parses an envelope of the given type and data, dated 10:30.
func event(t testing.TB, eventType, data string) inorder.Event {
	t.Helper()
	e, err := inorder.ParseEvent(fmt.Appendf(nil,
		`{"id":"evt_1","type":%q,"created_at":"2025-01-15T10:30:00Z","data":%s,"store_id":"store_001"}`, eventType, data))
	require.NoError(t, err)
	return e
}

func TestParseEventReadsTheEnvelope(t *testing.T) {
	body := []byte(`{"id":"evt_abc123","type":"order.confirmed","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_001"},"store_id":"store_001"}`)
	e, err := inorder.ParseEvent(body)
	require.NoError(t, err)
	require.Equal(t, inorder.Event{
		ID: "evt_abc123", Type: "order.confirmed", StoreID: "store_001",
		OccurredAt: time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC),
		Data:       json.RawMessage(`{"id":"order_001"}`),
		Body:       body,
	}, e)
}

func TestParseEventRefusesWhatCannotBeAnEvent(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"an empty body":                {``, "the body must be a JSON object"},
		"not JSON":                     {`order.paid`, "the body must be a JSON object"},
		"cut short":                    {`{"type":"order.paid"`, "the body must be a JSON object"},
		"an array":                     {`[{"type":"order.paid"}]`, "the body must be a JSON object"},
		"null":                         {`null`, "the body must be a JSON object"},
		"two objects":                  {`{"type":"order.paid"}{}`, "the body must be a JSON object"},
		"a raw NUL in a string":        {"{\"type\":\"order.paid\x00\"}", "the body must be a JSON object"},
		"nested deeper than 10,000":    {`{"type":"order.paid","data":` + nested(10_001) + `}`, "the body must be a JSON object"},
		"no type":                      {`{"id":"evt_1"}`, "type is missing"},
		"a null type":                  {`{"id":"evt_1","type":null}`, "type is missing"},
		"an empty type":                {`{"id":"evt_1","type":""}`, "type is missing"},
		"a type in another case":       {`{"id":"evt_1","Type":"order.paid"}`, "type is missing"},
		"a type that is a number":      {`{"id":"evt_1","type":7}`, "type must be a string"},
		"an empty id":                  {`{"id":"","type":"order.paid"}`, "id must be a string"},
		"an id that is a number":       {`{"id":7,"type":"order.paid"}`, "id must be a string"},
		"an id of 65 characters":       {`{"id":"` + strings.Repeat("x", 65) + `","type":"order.paid"}`, "id must be a string"},
		"an id with a space":           {`{"id":"evt 1","type":"order.paid"}`, "id must be a string"},
		"an id with a line break":      {`{"id":"evt_1\n","type":"order.paid"}`, "id must be a string"},
		"an id with a NUL":             {`{"id":"evt_1\u0000","type":"order.paid"}`, "id must be a string"},
		"an id outside ASCII":          {`{"id":"évt_1","type":"order.paid"}`, "id must be a string"},
		"the last of duplicate ids":    {`{"id":"evt_1","id":"evt 2","type":"order.paid"}`, "id must be a string"},
		"an id with half a surrogate":  {`{"id":"evt_\ud800","type":"order.paid"}`, "id must be a string"},
		"an id with invalid UTF-8":     {"{\"id\":\"evt_\xff\",\"type\":\"order.paid\"}", "id must be a string"},
		"an id that could be a path":   {`{"id":"../evt_1","type":"order.paid"}`, "id must be a string"},
		"an id that is a nested value": {`{"id":{"id":"evt_1"},"type":"order.paid"}`, "id must be a string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inorder.ParseEvent([]byte(tc.body))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestParseEventKeepsWhatIsJudgedLater(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want func(*testing.T, inorder.Event)
	}{
		"an event without id is named by its bytes": {`{"type":"order.paid"}`, func(t *testing.T, e inorder.Event) {
			sum := sha256.Sum256([]byte(`{"type":"order.paid"}`))
			require.Equal(t, hex.EncodeToString(sum[:]), e.ID)
		}},
		"so is one whose id is null": {`{"id":null,"type":"order.paid"}`, func(t *testing.T, e inorder.Event) {
			require.Regexp(t, `^[0-9a-f]{64}$`, e.ID)
		}},
		"an id of 64 characters": {`{"id":"` + strings.Repeat("x", 64) + `","type":"order.paid"}`, func(t *testing.T, e inorder.Event) {
			require.Len(t, e.ID, 64)
		}},
		"an ID key in another case is another key": {`{"ID":"evt_2","id":"evt_1","iD":"evt_3","type":"order.paid"}`, func(t *testing.T, e inorder.Event) {
			require.Equal(t, "evt_1", e.ID)
		}},
		"the last of duplicate keys counts, as in jsonb": {`{"type":"order.paid","type":"order.created"}`, func(t *testing.T, e inorder.Event) {
			require.Equal(t, "order.created", e.Type)
		}},
		"a type over 128 characters is cut": {`{"type":"order.` + strings.Repeat("é", 200) + `"}`, func(t *testing.T, e inorder.Event) {
			require.Equal(t, "order."+strings.Repeat("é", 122), e.Type)
		}},
		"a type with invalid UTF-8, NUL and half a surrogate": {"{\"type\":\"order.\xff\\u0000\\ud800\"}", func(t *testing.T, e inorder.Event) {
			require.Equal(t, "order.\uFFFD\uFFFD\uFFFD", e.Type)
		}},
		"a store_id of another kind": {`{"type":"order.paid","store_id":7}`, func(t *testing.T, e inorder.Event) {
			require.Empty(t, e.StoreID)
		}},
		"a store_id of 255 characters": {`{"type":"order.paid","store_id":"` + strings.Repeat("é", 255) + `"}`, func(t *testing.T, e inorder.Event) {
			require.Equal(t, strings.Repeat("é", 255), e.StoreID)
		}},
		"a longer one is as good as none": {`{"type":"order.paid","store_id":"` + strings.Repeat("é", 256) + `"}`, func(t *testing.T, e inorder.Event) {
			require.Empty(t, e.StoreID)
		}},
		"no data": {`{"type":"order.paid"}`, func(t *testing.T, e inorder.Event) {
			require.Nil(t, e.Data)
		}},
		"nested 9,999 deep": {`{"type":"order.paid","data":` + nested(9_999) + `}`, func(t *testing.T, e inorder.Event) {
			require.Len(t, e.Data, 2*9_999)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := inorder.ParseEvent([]byte(tc.body))
			require.NoError(t, err)
			tc.want(t, e)
		})
	}
}

func TestParseEventTime(t *testing.T) {
	for name, tc := range map[string]struct{ createdAt, want string }{
		"UTC":                              {`"2025-01-15T10:30:00Z"`, "2025-01-15T10:30:00Z"},
		"another zone is the same moment":  {`"2025-01-15T19:30:00+09:00"`, "2025-01-15T10:30:00Z"},
		"nanoseconds are cut":              {`"2025-01-15T10:30:00.123456789Z"`, "2025-01-15T10:30:00.123456Z"},
		"100 years ahead is judged later":  {`"2125-01-15T10:30:00Z"`, "2125-01-15T10:30:00Z"},
		"lower case":                       {`"2025-01-15t10:30:00z"`, "2025-01-15T10:30:00Z"},
		"lower case, with a zone":          {`"2025-01-15t19:30:00.5+09:00"`, "2025-01-15T10:30:00.5Z"},
		"a leap second":                    {`"2016-12-31T23:59:60Z"`, "2016-12-31T23:59:59.999999Z"},
		"part of a leap second":            {`"2016-12-31T23:59:60.25Z"`, "2016-12-31T23:59:59.999999Z"},
		"a leap second of another zone":    {`"2016-12-31t15:59:60-08:00"`, "2016-12-31T23:59:59.999999Z"},
		"a 61st second before midnight":    {`"2025-01-15T10:30:60Z"`, ""},
		"a 61st second of another zone":    {`"2016-12-31T23:59:60+01:00"`, ""},
		"a 62nd second":                    {`"2016-12-31T23:59:61Z"`, ""},
		"a date alone is none":             {`"2025-01-15"`, ""},
		"no zone is none":                  {`"2025-01-15T10:30:00"`, ""},
		"a 30th of February is none":       {`"2025-02-30T10:30:00Z"`, ""},
		"a Unix time is none":              {`1736937000`, ""},
		"empty is none":                    {`""`, ""},
		"null is none":                     {`null`, ""},
		"the year 0, older than unset":     {`"0000-12-31T00:00:00Z"`, ""},
		"the year 1, what unset would be":  {`"0001-01-01T00:00:00Z"`, ""},
		"before year 1 in UTC by its zone": {`"0001-01-01T00:00:00+05:00"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := inorder.ParseEvent(fmt.Appendf(nil, `{"type":"order.paid","created_at":%s}`, tc.createdAt))
			require.NoError(t, err)
			if tc.want == "" {
				require.True(t, e.OccurredAt.IsZero(), e.OccurredAt)
				return
			}
			require.Equal(t, tc.want, e.OccurredAt.Format(time.RFC3339Nano))
		})
	}
}

func TestOrderID(t *testing.T) {
	for name, tc := range map[string]struct{ eventType, data, want string }{
		"an order event, by data.id":               {"order.paid", `{"id":"order_1"}`, "order_1"},
		"data.order_id goes before data.id":        {"order.updated", `{"id":"upd_1","order_id":"order_1"}`, "order_1"},
		"an empty order_id is none":                {"order.updated", `{"id":"order_1","order_id":""}`, "order_1"},
		"a null order_id is none":                  {"order.updated", `{"id":"order_1","order_id":null}`, "order_1"},
		"an order_id of another kind is none":      {"order.updated", `{"id":"order_1","order_id":7}`, "order_1"},
		"an unknown order type":                    {"order.archived", `{"id":"order_1"}`, "order_1"},
		"a payment event that carries the order":   {"payment.completed", `{"id":"order_1","payment_status":"paid"}`, "order_1"},
		"so does a failed one, with error details": {"payment.failed", `{"id":"order_1","error":{"code":"card_declined"}}`, "order_1"},
		"a Payment": {"payment.completed", `{"id":"pay_1","order_id":"order_1","amount":{"amount":1}}`, "order_1"},
		"a Payment's own id is never the order's":      {"payment.completed", `{"id":"pay_1","amount":{"amount":1}}`, ""},
		"told by its provider":                         {"payment.created", `{"id":"pay_1","provider":"stripe"}`, ""},
		"or by its provider_id":                        {"payment.created", `{"id":"pay_1","provider_id":"pi_1"}`, ""},
		"a Refund's own id is never the order's":       {"payment.refunded", `{"id":"ref_1"}`, ""},
		"a Refund":                                     {"payment.refunded", `{"id":"ref_1","order_id":"order_1"}`, "order_1"},
		"a Fulfillment":                                {"fulfillment.shipped", `{"id":"ful_1","order_id":"order_1"}`, "order_1"},
		"a Fulfillment without its order":              {"fulfillment.shipped", `{"id":"ful_1"}`, ""},
		"a Return, not the order it is exchanged for":  {"return.completed", `{"id":"ret_1","order_id":"order_1","exchange_order_id":"order_2"}`, "order_1"},
		"an unknown refund type":                       {"refund.created", `{"id":"ref_1","order_id":"order_1"}`, "order_1"},
		"another family is about no order":             {"product.updated", `{"id":"prod_1","order_id":"order_1"}`, ""},
		"a family that only begins like one":           {"orders.created", `{"id":"order_1"}`, ""},
		"a family without a type":                      {"order", `{"id":"order_1"}`, ""},
		"data that is not an object":                   {"order.paid", `"order_1"`, ""},
		"null data":                                    {"order.paid", `null`, ""},
		"an id of another kind":                        {"order.paid", `{"id":1001}`, ""},
		"a key in another case":                        {"order.paid", `{"ID":"order_1"}`, ""},
		"the last of duplicate ids":                    {"order.paid", `{"id":"order_1","id":"order_2"}`, "order_2"},
		"255 characters":                               {"order.paid", `{"id":"` + strings.Repeat("é", 255) + `"}`, strings.Repeat("é", 255)},
		"256 characters are no ID":                     {"order.paid", `{"id":"` + strings.Repeat("é", 256) + `"}`, ""},
		"NUL becomes what PostgreSQL can hold":         {"order.paid", `{"id":"order\u00001"}`, "order\uFFFD1"},
		"half a surrogate becomes U+FFFD":              {"order.paid", `{"id":"order\udc001"}`, "order\uFFFD1"},
		"invalid UTF-8 becomes U+FFFD, byte for byte":  {"order.paid", "{\"id\":\"order\xff\xfe\"}", "order\uFFFD\uFFFD"},
		"an ID in another alphabet is kept as it came": {"order.paid", `{"id":"\uc8fc\ubb38 1/2"}`, "주문 1/2"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, event(t, tc.eventType, tc.data).OrderID())
		})
	}
}

func TestAboutOrders(t *testing.T) {
	for _, eventType := range []string{"order.created", "payment.x", "fulfillment.shipped", "refund.created", "return.requested"} {
		require.True(t, event(t, eventType, `{}`).AboutOrders(), eventType)
	}
	for _, eventType := range []string{"product.updated", "inventory.low", "customer.created", "cart.x", "order", "orders.created", ".order", "Order.created"} {
		require.False(t, event(t, eventType, `{}`).AboutOrders(), eventType)
	}
}

// Whatever arrives, nothing panics, the ID is valid, an error is one line, and every detail is bounded.
func FuzzChange(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","type":"order.created","created_at":"2025-01-15T10:30:00Z","data":{"id":"o","total":{"amount":1}},"store_id":"s"}`))
	f.Add([]byte(`{"type":"payment.refunded","created_at":"2025-01-15T10:30:00Z","data":{"order_id":"o","amount":{"amount":1e3}}}`))
	f.Add([]byte(`{"type":"order.\ud800\u0000","data":[],"id":null}`))
	f.Add([]byte("{\"type\":\"\xff\",\"created_at\":\"0000-01-01T00:00:00Z\"}"))
	f.Add([]byte(`{"type":"order.paid","created_at":"2016-12-31t23:59:60z","data":{"id":"o","status":"x","lines":[],"refunds":[{"id":"r","status":"completed","amount":{"amount":1}},7],"returns":[]},"store_id":"s"}`))
	id := regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := inorder.ParseEvent(body)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.Regexp(t, id, e.ID)
		require.NotEmpty(t, e.Type)
		require.NotContains(t, e.Type, "\x00")
		require.LessOrEqual(t, utf8.RuneCountInString(e.Type), 128)
		c, err := e.Change()
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, inorder.Bounded(err.Error()), err.Error())
			return
		}
		require.Equal(t, e.OrderID(), c.OrderID)
		first := inorder.Order{}.Apply(c)
		require.Equal(t, c.Empty(), first.Outcome == inorder.Ignored)
		c.EventID, c.StoreID = "another", "another"
		for _, d := range []inorder.Decision{first, first.Order.Apply(c)} {
			require.Equal(t, inorder.Bounded(d.Detail), d.Detail)
		}
	})
}

func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}
