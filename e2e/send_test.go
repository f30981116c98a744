package e2e

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/webhooks/secrets"
)

// TestStoriesEndAsTheySay runs `inorder send --story` against a running system, and checks its output.
func TestStoriesEndAsTheySay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "INBOX=off") // Temporal would not know a spilled event: delivered again, it would be accepted and no duplicate
	s.serve()
	s.env = append(s.env, "RECEIVER_URL="+s.url)
	for story, ends := range map[string][]string{
		"out-of-order": {
			`order\.paid +.* 200 (accepted|spilled)`, `order\.created +.* 200 duplicate`,
			`order\.paid +applied`, `order\.created +applied`, `order\.completed +applied`, `order\.fulfilled +applied`, `order\.confirmed +applied`,
			`fulfillment\.shipped +stale +the fulfillment has been "delivered"`,
			`status completed · payment paid · fulfillment fulfilled · total \d+ (KRW|USD) · fulfillment delivered · payment completed`,
		},
		"refunds":   {`payment\.refunded +.* 200 duplicate`, `payment\.refunded +applied`, `refunded 6500 (KRW|USD) in 2`},
		"waiting":   {`fulfillment\.shipped +waiting +its order does not exist yet`, `it does not exist`, `--name discard`},
		"attention": {`order\.updated +attention +there is no order ID`, `order\.created +attention +it is dated`},
		"refused":   {`401 Invalid signature`, `400 the body must be`, `400 type is missing`, `product\.updated +ignored`},
	} {
		t.Run(story, func(t *testing.T) {
			out, code := s.run("send", "--story", story)
			require.Zero(t, code, out)
			for _, end := range ends {
				require.Regexp(t, regexp.MustCompile(end), out)
			}
		})
	}
}

func TestAWaitingEventIsReleasedBySendingItsOrder(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.serve()
	s.env = append(s.env, "RECEIVER_URL="+s.url)
	for _, line := range [][]string{
		{"send", "order.paid", "--order", "order_1", "--id", "evt_waits"},
		{"send", "order.created", "--order", "order_1", "--at", "-10m"},
	} {
		out, code := s.run(line...)
		require.Zero(t, code, out)
	}
	s.eventually("it is applied", func() bool { return s.outcome("evt_waits") == "applied" })
}

func TestAWrongSecretIsExplained(t *testing.T) {
	s := newSystem(t)
	s.serve()
	s.env = append(s.env, "RECEIVER_URL="+s.url, "WEBHOOK_SECRETS=whsec_of_another_system")
	for _, line := range [][]string{{"send", "order.created"}, {"send", "order.created", "--repeat", "30"}, {"send", "--story", "refunds"}} {
		out, code := s.run(line...)
		require.Equal(t, 1, code, out)
		require.Contains(t, out, "401 Invalid signature")
		require.Contains(t, out, "the receiver does not know the secret called "+secrets.Name("whsec_of_another_system"))
		require.Contains(t, out, "WEBHOOK_SECRETS")
		require.NotContains(t, out, "whsec_of_another_system")
	}
}
