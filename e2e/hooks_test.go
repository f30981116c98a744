package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/sample"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

func TestHooksFromRegistrationToDeletion(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.serve()
	foreign := s.create("https://elsewhere.example.com/", webhooks.Tag{})

	out := s.do(0, "hooks", "register", s.url)
	require.Contains(t, out, "is registered: "+s.url+"/webhooks/hc, 16 events, test mode")
	id := registered(t, out)
	require.Contains(t, s.do(0, "hooks", "register", s.url), id+" is registered already")

	out = s.do(0, "hooks", "test", id, "--wait", "2m")
	require.Contains(t, out, "was answered 200 OK")
	require.Regexp(t, `evt_\S+  ignored  .*`+regexp.QuoteMeta(s.uiLink()), out)
	require.Zero(t, s.count(`SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM pending_events)`), "a test touches no order, unless it is asked to")

	s.arrives()
	out = s.do(0, "hooks", "rotate", id, "--overlap", "0s")
	require.Contains(t, out, "replaces "+id)
	s.arrives()

	listed := s.listedOnceVerified()
	now := listed.Webhooks[0].ID
	require.True(t, listed.Webhooks[0].Ours)
	require.Empty(t, listed.Webhooks[0].Faults)
	require.NotEqual(t, id, now)
	require.Equal(t, foreign, listed.Webhooks[1].ID)
	require.False(t, listed.Webhooks[1].Ours)
	for _, secret := range listed.Secrets {
		if secret.Source == id {
			require.WithinDuration(t, time.Now().Add(24*time.Hour), *secret.EndsAt, time.Hour)
		}
	}
	out = s.do(0, "hooks", "show", now)
	require.Regexp(t, `last verified a delivery \d{4}-`, out)
	require.Contains(t, s.do(0, "hooks", "list"), "foreign")

	s.do(0, "hooks", "disable", now)
	require.False(t, s.webhooks()[now].IsActive)
	s.do(0, "hooks", "enable", now)
	s.arrives()
	require.Contains(t, s.do(0, "hooks", "update", now, "--events", "order.created"), "order.created")
	require.Contains(t, s.do(0, "hooks", "delete", now), "is deleted")
	require.Len(t, s.webhooks(), 1)
	require.Contains(t, s.webhooks(), foreign)
}

func TestASecretIsEndedByItsName(t *testing.T) {
	s := newShop(t)
	s.serve()
	s.deliver(sample.Event(sample.Options{Type: "order.created", OrderID: "order_1"})) // so that the secret of WEBHOOK_SECRETS has verified something
	id := registered(t, s.do(0, "hooks", "register", s.url))
	name := secrets.Name(secret)
	s.eventually("both are listed", func() bool {
		out := s.do(0, "hooks", "secrets", "list")
		return strings.Contains(out, name+"  of WEBHOOK_SECRETS") && strings.Contains(out, "of "+id)
	})
	require.Contains(t, s.do(0, "hooks", "secrets", "list", "--json"), `"name": "`+name+`"`)

	require.Contains(t, s.do(0, "hooks", "secrets", "end", name), name+" ends at")
	s.eventually("it verifies nothing any more", func() bool {
		status, _, err := s.post(sample.Event(sample.Options{Type: "order.created", OrderID: "order_2"}))
		return err == nil && status == http.StatusUnauthorized
	})
	own := s.text(`SELECT name FROM webhook_secrets WHERE endpoint_id = '` + id + `'`)
	require.Contains(t, s.do(1, "hooks", "secrets", "end", own), "inorder hooks rotate "+id)
	require.Contains(t, s.do(0, "hooks", "secrets", "end", own, "--force", "--in", "1h"), " ends at ")
	require.Contains(t, s.do(1, "hooks", "secrets", "end", "00000000"), "there is no secret named")
	require.Contains(t, s.do(2, "hooks", "secrets", "end", own, "--in", "-1h"), "--in must be")
}

// arrives places an order on the platform, and waits until it is in our database.
func (s *shop) arrives() {
	s.t.Helper()
	orders, err := s.platform.Place(standin.Placement{})
	require.NoError(s.t, err)
	s.eventually("the order has arrived", func() bool {
		return s.count(`SELECT count(*) FROM orders WHERE id = $1`, orders[0].ID) == 1
	})
}

func TestHooksRotateUnderLoadRefusesNoDelivery(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.serve()
	id := registered(t, s.do(0, "hooks", "register", s.url, "--events", "order.created"))
	longestSilence := s.listenForSilence()
	stop, placed := make(chan struct{}), []string{}
	var wg sync.WaitGroup
	end := sync.OnceFunc(func() { close(stop); wg.Wait() })
	t.Cleanup(end)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				if s.platform.Stats().Pending > 8 { // deliveries that a slow machine has not made by the end of the overlap are cancelled
					continue
				}
				orders, err := s.platform.Place(standin.Placement{})
				if err != nil {
					t.Error(err)
					return
				}
				placed = append(placed, orders[0].ID)
			}
		}
	})
	for range 2 {
		out := s.do(0, "hooks", "rotate", id, "--overlap", "8s") // longer than a stall, which holds up what only the old one delivers
		require.Contains(t, out, "replaces "+id)
		require.Len(t, s.webhooks(), 1)
		for id = range s.webhooks() {
		}
	}
	end()
	require.NoError(t, s.platform.WaitIdle(t.Context()))
	s.requireNoneRefused(longestSilence())
	require.NotEmpty(t, placed)
	s.eventually("every order is here", func() bool {
		return s.count(`SELECT count(*) FROM orders WHERE id = any($1)`, placed) == len(placed)
	})
}

// requireNoneRefused checks that the platform has delivered every event that it sent, each at the first attempt. If the receiver or
// PostgreSQL was silent for more than a second, the receiver may have learned a secret too late; then the platform delivers again.
func (s *shop) requireNoneRefused(silence time.Duration) {
	s.t.Helper()
	s.t.Logf("the longest silence was %s", silence)
	delivered := map[string]bool{}
	for _, a := range s.platform.Deliveries() {
		// When the old webhook is disabled, its queued deliveries are cancelled; the new webhook delivers the same events.
		outcomes := []string{"delivered", "cancelled"}
		if silence > time.Second {
			outcomes = append(outcomes, "failed")
		}
		require.Contains(s.t, outcomes, a.Outcome, "%+v", a)
		delivered[a.EventID] = delivered[a.EventID] || a.Outcome == "delivered"
	}
	for id, arrived := range delivered {
		require.True(s.t, arrived, id)
	}
}

func TestACreateWhoseAnswerIsLostMakesOneWebhook(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	lost := 0
	s.setOnCreate(func(perform func()) {
		perform()
		if lost++; lost <= 2 {
			panic(http.ErrAbortHandler) // the answer is lost
		}
	})
	s.do(0, "hooks", "register", "https://shop.example.com")
	require.Equal(t, 3, lost)
	require.Len(t, s.webhooks(), 1)
	for _, w := range s.webhooks() {
		require.True(t, w.IsActive)
	}
	require.Equal(t, 1, s.count(`SELECT count(*) FROM webhook_secrets WHERE endpoint_id IS NOT NULL`))
}

func TestHooksOnBadInput(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := registered(t, s.do(0, "hooks", "register", "https://shop.example.com"))
	other := s.create("https://elsewhere.example.com/", webhooks.Tag{})
	env := s.env
	for name, tc := range map[string]struct {
		code int
		env  string
		args string
		says string
	}{
		"a key that is none":        {2, "HEADLESS_COMMERCE_API_KEY=whatever", "hooks list", "HEADLESS_COMMERCE_API_KEY: it is not a secret key: it must start with sk_live_ or sk_test_"},
		"a wrong key":               {1, "HEADLESS_COMMERCE_API_KEY=sk_test_wrong", "hooks list", "check HEADLESS_COMMERCE_API_KEY: the platform does not know this test-mode key"},
		"the wrong mode":            {1, "HEADLESS_COMMERCE_API_KEY=sk_live_e2ehushhush", "hooks show " + id, "is of test mode, and HEADLESS_COMMERCE_API_KEY is a live-mode key"},
		"no network":                {1, "HEADLESS_COMMERCE_API_URL=http://127.0.0.1:1", "hooks show " + id, "check the network, and HEADLESS_COMMERCE_API_URL"},
		"no database":               {1, "DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x", "hooks list", "is DATABASE_URL correct"},
		"a URL that is not https":   {2, "", "hooks register http://shop.example.com", "is not https"},
		"an event that is not":      {2, "", "hooks register https://a.example.com --events order.payed", "did you mean order.paid?"},
		"the platform knows not":    {1, "", "hooks register https://a.example.com --events order.payed --force", "Unknown event type: order.payed"},
		"a webhook that is not":     {1, "", "hooks rotate wh_none", "there is no webhook wh_none in test mode"},
		"somebody else's":           {1, "", "hooks delete " + other, "--force"},
		"no tunnel":                 {1, "", "listen", "set NGROK_AUTHTOKEN to use ngrok, or give the --public-url"},
		"a tunnel without https":    {2, "", "listen --public-url http://shop.example.com", "is not https"},
		"a test nobody answers":     {1, "", "hooks test " + id, "the test delivery failed"},
		"a schema that is not here": {1, "DATABASE_URL=" + testenv.DatabaseURL(t), "hooks list", "inorder migrate"},
	} {
		t.Run(name, func(t *testing.T) {
			s.env = append(slices.Clip(env), tc.env)
			defer func() { s.env = env }()
			out := s.do(tc.code, strings.Fields(tc.args)...)
			require.Contains(t, out, tc.says)
			require.NotContains(t, out, "hunter2")
			require.NotContains(t, out, "hushhush")
			if lines := strings.Split(out, "\n"); tc.code == 1 {
				require.True(t, strings.HasPrefix(lines[len(lines)-1], "inorder: "), "one line says it: %s", out)
			}
		})
	}
	t.Run("deleted by somebody else", func(t *testing.T) {
		require.NoError(t, s.client.DeleteWebhook(t.Context(), id))
		for _, command := range []string{"disable", "test", "rotate"} {
			require.Contains(t, s.do(1, "hooks", command, id), "was deleted on the platform by somebody else")
		}
		require.Contains(t, s.do(0, "hooks", "list"), "! "+id+" deleted on the platform by somebody else")
		require.Contains(t, s.do(0, "hooks", "delete", id), "our record of it is deleted, too")
		require.NotContains(t, s.do(0, "hooks", "list"), "gone")
	})
}
