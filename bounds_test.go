package inorder_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"inorder"
)

func TestBounded(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"what is short":              {"a status", "a status"},
		"nothing":                    {"", ""},
		"499 characters":             {strings.Repeat("é", 499), strings.Repeat("é", 499)},
		"a megabyte":                 {strings.Repeat("é", 1<<20), strings.Repeat("é", 499) + "…"},
		"NUL":                        {"a\x00b", "a\uFFFDb"},
		"invalid UTF-8":              {"a\xff\xfeb", "a\uFFFD\uFFFDb"},
		"a character that is cut":    {"a주"[:3], "a\uFFFD\uFFFD"},
		"a megabyte of NUL":          {strings.Repeat("\x00", 1<<20), strings.Repeat("\uFFFD", 499) + "…"},
		"a megabyte of bad bytes":    {strings.Repeat("\xff", 1<<20), strings.Repeat("\uFFFD", 499) + "…"},
		"line breaks are left alone": {"a\nb", "a\nb"},
	} {
		t.Run(name, func(t *testing.T) {
			got := inorder.Bounded(tc.text)
			require.Equal(t, tc.want, got)
			require.LessOrEqual(t, utf8.RuneCountInString(got), 500)
			require.Equal(t, got, inorder.Bounded(got), "it is bounded")
		})
	}
}

func TestAFieldThatIsTooLongNeedsAPerson(t *testing.T) {
	long := func(characters int) string { return strings.Repeat("é", characters) }
	for name, tc := range map[string]struct {
		eventType, data string // %q is the text
		most            int
		want            string
	}{
		"status":             {"order.updated", `{"id":"order_1","status":%q}`, 100, "data.status must have at most 100 characters"},
		"payment status":     {"order.updated", `{"id":"order_1","payment_status":%q}`, 100, "data.payment_status must have at most 100 characters"},
		"fulfillment status": {"order.updated", `{"id":"order_1","fulfillment_status":%q}`, 100, "data.fulfillment_status must have at most 100 characters"},
		"number":             {"order.created", `{"id":"order_1","number":%q}`, 255, "data.number must have at most 255 characters"},
		"currency":           {"order.created", `{"id":"order_1","total":{"amount":1,"currency":%q}}`, 16, "data.total.currency must have at most 16 characters"},
		"part ID":            {"return.requested", `{"order_id":"order_1","id":%q}`, 255, "data.id must have at most 255 characters"},
		"part status":        {"return.requested", `{"order_id":"order_1","status":%q}`, 100, "data.status must have at most 100 characters"},
		"part currency":      {"payment.refunded", `{"order_id":"order_1","amount":{"currency":%q}}`, 16, "data.amount.currency must have at most 16 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := event(t, tc.eventType, fmt.Sprintf(tc.data, long(tc.most))).Change()
			require.NoError(t, err)
			require.False(t, c.Empty())
			_, err = event(t, tc.eventType, fmt.Sprintf(tc.data, long(tc.most+1))).Change()
			require.EqualError(t, err, tc.want)
		})
	}
	t.Run("a number of 256 digits", func(t *testing.T) {
		_, err := event(t, "order.created", `{"id":"order_1","number":`+strings.Repeat("9", 256)+`}`).Change()
		require.EqualError(t, err, "data.number must have at most 255 characters")
	})
	t.Run("but in a list the part is left out", func(t *testing.T) {
		c, err := event(t, "order.updated", fmt.Sprintf(`{"id":"order_1","status":"pending","lines":[],"payments":[
			{"id":%q,"status":"completed"},{"id":"pay_2","status":%q},{"id":"pay_3","status":"completed","amount":{"currency":%q}},{"id":"pay_4","status":"completed"}]}`,
			long(256), long(101), long(17))).Change()
		require.NoError(t, err)
		require.Equal(t, []string{"payments[0].id must have at most 255 characters", "payments[1].status must have at most 100 characters",
			"payments[2].amount.currency must have at most 16 characters"}, c.LeftOut)
		require.Len(t, c.Parts, 1)
		require.Empty(t, c.Listed)
	})
}

// Whatever is known and received, every text about it is short.
func TestEveryDetailIsBounded(t *testing.T) {
	huge := strings.Repeat("\U000e0001", 1<<12) // %q makes ten characters of each
	o := inorder.Order{
		ID: "order_1", StoreID: huge, LastWebhookAt: at(9),
		Status: inorder.Aspect{Value: huge, At: at(9)}, PaymentStatus: inorder.Aspect{Value: huge, At: at(9)}, FulfillmentStatus: inorder.Aspect{Value: huge, At: at(9)},
		Snapshot: inorder.Snapshot{At: at(9), Currency: huge},
		Parts:    map[inorder.PartKey]inorder.Part{},
		Listed:   map[string]time.Time{"payment": at(9)},
	}
	var payments []map[string]string
	for i := range 1000 {
		id := fmt.Sprint(strings.Repeat("\U000e0001", 200), i)
		payments = append(payments, map[string]string{"id": id, "status": "completed"})
		o.Parts[inorder.PartKey{Kind: "payment", ID: id}] = inorder.Part{Kind: "payment", ID: id, OrderID: "order_1", Status: huge, At: at(9), EventID: "evt_9"}
	}
	data, err := json.Marshal(map[string]any{"id": "order_1", "status": "pending", "payment_status": "paid", "fulfillment_status": "fulfilled",
		"total": map[string]any{"amount": 1}, "refunded_total": map[string]any{"amount": 7, "currency": strings.Repeat("\U000e0001", 16)}, "payments": payments})
	require.NoError(t, err)
	isBounded := func(text string) {
		t.Helper()
		require.NotEmpty(t, text)
		require.Equal(t, inorder.Bounded(text), text)
	}

	older := change(t, "evt_1", "order.updated", at(1), string(data))
	stale := o.Apply(older)
	require.Equal(t, inorder.Stale, stale.Outcome)
	isBounded(stale.Detail)

	older.StoreID = "store_1"
	isBounded(o.Apply(older).Detail)

	for key, p := range o.Parts {
		p.OrderID = "order_2"
		o.Parts[key] = p
	}
	newer := o.Apply(change(t, "evt_1", "order.updated", at(10), string(data)))
	require.Equal(t, inorder.Applied, newer.Outcome)
	isBounded(newer.Detail)

	c, err := o.Compare(data, at(1), "")
	require.NoError(t, err)
	isBounded(c.Unrepairable)
	for _, d := range c.Differences {
		isBounded(d.String())
	}
	isBounded(inorder.Difference{What: huge, Ours: huge, Theirs: huge}.String())
}

// A full order of a megabyte lists tens of thousands of parts.
func TestAFullOrderWithManyPartsIsAppliedFast(t *testing.T) {
	var payments []string
	foreign := inorder.Order{Parts: map[inorder.PartKey]inorder.Part{}}
	for i := range 40_000 {
		id := fmt.Sprint("p", i)
		payments = append(payments, fmt.Sprintf(`{"id":%q,"status":"a"}`, id))
		foreign.Parts[inorder.PartKey{Kind: "payment", ID: id}] = inorder.Part{Kind: "payment", ID: id, OrderID: "order_2"}
	}
	c := change(t, "evt_1", "order.created", at(0), `{"id":"order_1","payments":[`+strings.Join(payments, ",")+`]}`)
	for name, o := range map[string]inorder.Order{"all are new": {}, "all are another order's": foreign, "all are known": inorder.Order{}.Apply(c).Order} {
		t.Run(name, func(t *testing.T) {
			fast := false
			for range 3 { // a busy machine may stand still once
				begun := time.Now()
				o.Apply(c)
				fast = fast || time.Since(begun) < 5*time.Second
			}
			require.True(t, fast)
		})
	}
}

func TestAhead(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 15, 10, 0, 0, 0, time.UTC) }
	for name, tc := range map[string]struct {
		at, judged time.Time
		want       string
	}{
		"an hour":           {at(60), at(0), ""},
		"in the past":       {at(0), at(60), ""},
		"a long time ago":   {year(1), year(9999), ""},
		"judged in 2400":    {year(2025), year(2400), ""},
		"no time":           {time.Time{}, at(0), ""},
		"over an hour":      {at(60).Add(time.Microsecond), at(0), "it is dated 2025-01-15T11:00:00.000001Z, 1h0m0s in the future when it was checked at 2025-01-15T10:00:00Z, and MAX_EVENT_SKEW allows only 1h0m0s; a retry can apply it from 2025-01-15T10:00:00.000001Z on"},
		"judged in a zone":  {at(90), at(0).In(time.FixedZone("KST", 9*60*60)), "it is dated 2025-01-15T11:30:00Z, 1h30m0s in the future when it was checked at 2025-01-15T10:00:00Z, and MAX_EVENT_SKEW allows only 1h0m0s; a retry can apply it from 2025-01-15T10:30:00Z on"},
		"most of 300 years": {year(2400), at(0), "it is dated 2400-01-15T10:00:00Z, 2562047h47m16.854775807s in the future when it was checked at 2025-01-15T10:00:00Z, and MAX_EVENT_SKEW allows only 1h0m0s; a retry can apply it from 2400-01-15T09:00:00Z on"},
		"8,000 years":       {year(10000), year(1), "it is dated 10000-01-15T10:00:00Z, 2562047h47m16.854775807s in the future when it was checked at 0001-01-15T10:00:00Z, and MAX_EVENT_SKEW allows only 1h0m0s; a retry can apply it from 10000-01-15T09:00:00Z on"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, inorder.Change{At: tc.at}.Ahead(tc.judged, time.Hour))
		})
	}
	c := inorder.Change{At: at(90)}
	require.NotEmpty(t, c.Ahead(at(29), time.Hour))
	require.Empty(t, c.Ahead(at(30), time.Hour), "the retry that it told of")
}
