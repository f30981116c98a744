package activities_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
)

func TestWhatPostgreSQLRefusesNeedsAPersonAndIsNotQuoted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ event, want string }{
		"a number that numeric cannot hold":  {told("evt_1", "order.updated", 1, `{"id":"order_1","status":"secret","x":1e400000}`), "SQLSTATE 22003"},
		"a number too small":                 {told("evt_1", "order.updated", 1, `{"id":"order_1","status":"secret","x":1e-400000}`), "SQLSTATE 22003"},
		"such a number while it would wait":  {told("evt_1", "order.updated", 1, `{"id":"order_9","status":"secret","x":1e400000}`), "SQLSTATE 22003"},
		"such a number, and nothing else":    {told("evt_1", "order.created", 1, `{"id":"order_9","x":1e400000}`), "SQLSTATE 22003"},
		"a field of another kind, beside it": {told("evt_1", "order.created", 1, `{"id":"order_9","status":7,"x":1e400000}`), "SQLSTATE 22003"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.apply(created("evt_0"))
			r := s.apply(tc.event)
			require.Equal(t, inorder.Attention, r.Outcome)
			require.Contains(t, r.Detail, tc.want)
			require.NotContains(t, r.Detail, "secret")
			require.Equal(t, "attention,,"+r.Detail, s.text(`SELECT concat_ws(',', phase, coalesce(order_id, ''), detail) FROM pending_events`))
			require.Equal(t, tc.event, s.text(`SELECT convert_from(body, 'UTF8') FROM pending_events`))
			require.Equal(t, r, s.apply(tc.event), "again")

			require.Equal(t, inorder.Discarded, s.discard(tc.event, "no use", "ops").Outcome)
			require.Equal(t, "string", s.text(`SELECT jsonb_typeof(payload) FROM webhook_events WHERE event_id = 'evt_1'`))
			require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
			require.Equal(t, inorder.Discarded, s.apply(tc.event).Outcome)
		})
	}
}

func TestALargeOrderApplies(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lines := make([]string, 10_000)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"line_%05d","sku":"SKU-%05d","quantity":2,"price":{"amount":%d,"currency":"KRW"},"note":"%s"}`, i, i, 1000+i, "abcdefgh")
	}
	body := told("evt_1", "order.created", 0, `{"id":"order_1","status":"pending","lines":[`+strings.Join(lines, ",")+`]}`)
	require.Greater(t, len(body), 1_000_000)
	require.Equal(t, inorder.Applied, s.apply(body).Outcome)
	require.Equal(t, "10000", s.text(`SELECT jsonb_array_length(data->'lines') FROM orders`))
	require.Equal(t, inorder.Applied, s.apply(told("evt_2", "order.paid", 1, `{"id":"order_1"}`)).Outcome)
}

func TestDeepNestingApplies(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	const depth = 9_990 // encoding/json, and so the receiver, refuses more than 10,000 in all
	body := told("evt_1", "order.created", 0, `{"id":"order_1","x":`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+`}`)
	require.Equal(t, inorder.Applied, s.apply(body).Outcome)
	require.Equal(t, strconv.Itoa(2*depth), s.text(`SELECT length(data->>'x') FROM orders`))
}

func TestNumbersAreStoredExactly(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.apply(told("evt_1", "order.created", 0, `{"id":"order_1","number":9007199254740993,"total":{"amount":9007199254740995,"currency":"KRW"},
		"x":[123456789012345678901234567890, 0.1000, 12345678901234567890.123456789, -0]}`))
	require.Equal(t, "9007199254740993 9007199254740995", s.text(`SELECT concat_ws(' ', number, total_amount) FROM orders`))
	require.Equal(t, "9007199254740993 9007199254740995", s.text(`SELECT concat_ws(' ', data->>'number', data->'total'->>'amount') FROM orders`))
	require.Equal(t, "[123456789012345678901234567890, 0.1000, 12345678901234567890.123456789, 0]", s.text(`SELECT data->'x' FROM orders`))
	require.Equal(t, "9007199254740993", s.text(`SELECT payload->'data'->>'number' FROM webhook_events`))
}

func TestTextThatPostgreSQLCannotHoldIsReplaced(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ note, want string }{
		"NUL":                        {`a\u0000b`, "a\uFFFDb"},
		"invalid UTF-8":              {"a\xff\xfeb", "a\uFFFD\uFFFDb"},
		"half a surrogate pair":      {`a\ud83db`, "a\uFFFDb"},
		"the other half":             {`a\ude00b`, "a\uFFFDb"},
		"a whole pair is kept":       {`a\ud83d\ude00b`, "a😀b"},
		"a backslash before u":       {`a\\u0000b`, `a\u0000b`},
		"what is HTML to others":     {`<a href="\u0026">`, `<a href="&">`},
		"half a pair before a whole": {`\ud83d\ud83d\ude00`, "\uFFFD😀"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			note := strings.ReplaceAll(tc.note, `href="\u0026"`, `href=\"\u0026\"`)
			r := s.apply(told("evt_1", "order.created", 0, `{"id":"order_1","status":"`+note+`","note":"`+note+`"}`))
			require.Equal(t, inorder.Applied, r.Outcome)
			require.Equal(t, tc.want, s.text(`SELECT data->>'note' FROM orders`))
			require.Equal(t, tc.want, s.text(`SELECT status FROM orders`))
			require.Equal(t, tc.want, s.text(`SELECT payload->'data'->>'note' FROM webhook_events`))
		})
	}
	t.Run("a waiting event speaks of the same order when it comes back from the table", func(t *testing.T) {
		s := newStore(t)
		body := told("evt_1", "order.paid", 0, "{\"id\":\"order\xff\xfe\\u0000\\ud800\"}")
		r := s.apply(body)
		require.Equal(t, inorder.Waiting, r.Outcome)
		again, err := inorder.ParseEvent([]byte(s.text(`SELECT payload FROM pending_events`)))
		require.NoError(t, err)
		require.Equal(t, r.OrderID, again.OrderID())
	})
}
