package activities_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// replaceOrders replaces the platform's orders, by ID, with other JSON wherever the platform shows them.
func (s *shop) replaceOrders(by map[string]string) {
	s.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		rec := httptest.NewRecorder()
		s.platform.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		var one struct{ ID string }
		var page map[string]json.RawMessage
		var list []json.RawMessage
		if json.Unmarshal(body, &page) == nil && json.Unmarshal(page["data"], &list) == nil {
			for i, raw := range list {
				if require.NoError(s.t, json.Unmarshal(raw, &one)); by[one.ID] != "" {
					list[i] = json.RawMessage(by[one.ID])
				}
			}
			page["data"], _ = json.Marshal(list)
			body, _ = json.Marshal(page)
		} else if json.Unmarshal(body, &one) == nil && by[one.ID] != "" {
			body = []byte(by[one.ID])
		}
		w.WriteHeader(rec.Code)
		_, err := w.Write(body)
		return err == nil
	}
}

// malformed is an order that can't be read. It can be compared once more if it names its own order, and no other.
type malformed struct{ name, sent, says string }

func (c malformed) hasID() bool {
	return strings.HasPrefix(c.sent, `{"id":"%s"`) && !strings.Contains(c.sent, "order_id")
}

var malformedOrders = []malformed{
	{"a status that is a number", `{"id":"%s","status":7}`, "data.status must be a string"},
	{"a payment_status that is a list", `{"id":"%s","payment_status":["paid"]}`, "data.payment_status must be a string"},
	{"a fulfillment_status that is an object", `{"id":"%s","fulfillment_status":{}}`, "data.fulfillment_status must be a string"},
	{"a number that is an object", `{"id":"%s","status":"pending","number":{}}`, "data.number must be an integer or a string"},
	{"a total that is a number", `{"id":"%s","status":"pending","total":5}`, "data.total must be"},
	{"a total beyond all numbers", `{"id":"%s","status":"pending","total":{"amount":1e40}}`, "data.total.amount must be an integer"},
	{"another order's ID beside its own", `{"id":"%s","order_id":"order_9","status":"pending"}`, "names another order"},
	{"no ID", `{"status":"pending"}`, "there is no order ID"},
	{"an empty ID", `{"id":"","status":"pending"}`, "there is no order ID"},
	{"an ID that is a number", `{"id":5,"status":"pending"}`, "there is no order ID"},
	{"an ID without an end", `{"id":"` + strings.Repeat("x", 5000) + `","status":"pending"}`, "there is no order ID"},
	{"an ID that no database takes", `{"id":"order\u0000","status":"pending"}`, "names another order"},
	{"null", `null`, "data must be a JSON object"},
	{"a number", `17`, "data must be a JSON object"},
	{"a text", `"order"`, "data must be a JSON object"},
	{"a list", `[]`, "data must be a JSON object"},
}

func TestAMalformedOrderIsItsOwnProblem(t *testing.T) {
	cases := malformedOrders
	s := newShop(t)
	orders := s.place(len(cases)+30, "pay")
	by, withID := map[string]string{}, []string{}
	for i, c := range cases {
		by[orders[i].ID] = strings.ReplaceAll(c.sent, "%s", orders[i].ID)
		if c.hasID() {
			withID = append(withID, orders[i].ID)
		}
	}
	s.replaceOrders(by)

	r := s.reconcile(true)
	require.Empty(t, r.Stopped)
	require.Equal(t, len(cases)+30, r.Compared)
	require.Equal(t, 30, r.Missing, "the others are repaired")
	require.Equal(t, "30", s.text(`SELECT count(*) FROM orders WHERE payment_status = 'paid'`))
	require.ElementsMatch(t, withID, r.Suspects, "those that have an ID are compared once more")
	require.Equal(t, len(cases)-len(withID), r.Unrepaired)
	again := s.repairOrders(append(withID, orders[len(cases)].ID)...)
	require.Equal(t, len(withID), again.Unrepaired)
	notes := strings.Join(append(r.Notes, again.Notes...), "\n")
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.hasID() {
				require.Regexp(t, "(?m)^order "+orders[i].ID+": .*"+c.says, notes)
			} else {
				// The platform lists the newest first, but the sequence doesn't matter here.
				require.Regexp(t, `(?m)^order \d+ on page 1 of the orders created since [^ ]+: .*`+c.says, notes)
			}
			fetched, err := s.fetch(orders[i].ID)
			require.NoError(t, err)
			require.False(t, fetched.Found)
			require.NotEmpty(t, fetched.Detail)
			require.LessOrEqual(t, len([]rune(fetched.Detail)), 301)
		})
	}
	_, err := do[[]string](s, s.ListClosed, time.Now())
	require.NoError(t, err)
}
