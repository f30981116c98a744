package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

// someRefused is made anew for each test, as someEvents is.
func someRefused() api.Refused {
	return api.Refused{ID: 17, At: ago(3 * time.Minute), Reason: "bad_signature", Status: 401, Causes: []string{"old_secret", "upper_case"}, Summary: "Secret 1a2b3c4d made it\x1b[2J.",
		Advice: "Give the sender the new secret.", Client: "203.0.113.7", Network: "203.0.113.7/32", Evidence: "secret", Secret: "1a2b3c4d", Source: "wh_1", Bytes: new(int64),
		EventID: "evt_1", Type: "order.paid", HeaderNames: []string{"Content-Type", "X-Webhook-Signature"}}
}

func TestRefusedDeliveriesAreListed(t *testing.T) {
	f := newAdmin(t, map[string]any{"GET /api/refused": api.Page[api.Refused]{Data: []api.Refused{someRefused(), {ID: 16, Evidence: "none"}, {ID: 15, Evidence: "address"}}}})
	out, errs, code := asked(t, "refused list --reason bad_signature --after 1h --before 2026-01-02T03:04:05Z --limit 3")
	require.Zero(t, code, errs)
	require.Regexp(t, `17 +3 minutes ago +bad_signature +ours +203.0.113.7 +evt_1 +Secret 1a2b3c4d made it\\u001b\[2J`, out)
	require.Regexp(t, `16 .* anyone`, out)
	require.Regexp(t, `15 .* known`, out)
	for _, part := range []string{"reason=bad_signature", "after=20", "before=2026-01-02T03%3A04%3A05Z", "limit=3"} {
		require.Contains(t, f.called("GET /api/refused")[0], part)
	}
	out, _, _ = asked(t, "refused list --json")
	require.Len(t, document[api.Page[api.Refused]](t, out).Data, 3)
	f.set("GET /api/refused", api.Page[api.Refused]{})
	out, _, _ = asked(t, "refused list")
	require.Contains(t, out, "No refused deliveries match.")
}

func TestARefusedDeliveryIsExplained(t *testing.T) {
	newAdmin(t, map[string]any{"GET /api/refused/17": someRefused()})
	out, errs, code := asked(t, "refused show 17")
	require.Zero(t, code, errs)
	for _, part := range []string{"It was answered 401, 3 minutes ago", "Why: Secret 1a2b3c4d made it", "What to do: Give the sender the new secret.", "1a2b3c4d wh_1", "0 bytes",
		"old_secret, upper_case", "203.0.113.7, which has one of our secrets", "Content-Type, X-Webhook-Signature"} {
		require.Contains(t, out, part)
	}
	require.NotContains(t, out, "\x1b")
	out, _, _ = asked(t, "refused show 17 --json")
	require.EqualValues(t, 17, document[api.Refused](t, out).ID)
	_, errs, code = asked(t, "refused show 18")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "inorder refused list")
	for _, line := range []string{"refused show", "refused show x", "refused show 0", "refused list --reason spam", "refused list --after soon", "refused list --json --watch"} {
		_, _, code = asked(t, line)
		require.Equal(t, exitUsage, code, line)
	}
}
