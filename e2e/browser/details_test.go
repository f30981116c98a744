package browser

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
)

var (
	longID    = "evt_" + strings.Repeat("0123456789", 6)             // the longest
	longOrder = "order_" + strings.Repeat("abcdefghij", 20) + "_end" // nearly the longest
)

// In each phase, even the longest details fit into four lines, and the box does not cut them off.
func TestDetailsFitInEachPhase(t *testing.T) {
	t.Parallel()
	_, api := testenv.StandIn(t, standin.Options{Keys: []string{standin.DefaultKey}})
	s := serve(t, "HEADLESS_COMMERCE_API_KEY="+standin.DefaultKey, "HEADLESS_COMMERCE_API_URL="+api, "RECONCILE_AFTER=1s")
	p := s.page()

	t.Log("waiting and stuck, when the platform was asked")
	s.run("send", "order.paid", "--id", longID, "--order", longOrder)
	s.awaitPhase(longID, "stuck")
	b := p.details(longID, "Asked: the platform does not know it")
	b.fits(p)
	require.Contains(t, b.Text, "Stuck for order order_abcdefghij")
	require.Equal(t, []string{s.adminURL + "/api/events/" + longID}, b.Links)

	t.Log("attention")
	s.run("send", "order.created", "--id", "evt_creates", "--order", "order_of_a")
	s.post(fmt.Sprintf(`{"id":"evt_attention","type":"order.updated","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_of_a","status":"paid"},"store_id":%q}`,
		"another store with a name that is long "+strings.Repeat("and longer ", 8)))
	s.awaitPhase("evt_attention", "attention")
	b = p.details("evt_attention", "Needs attention: it names store")
	b.fits(p)
	require.Contains(t, b.Text, "inorder events amend corrects it.")

	t.Log("discarded, with all its reason could be")
	p.signal("discard", fmt.Sprintf(`{"reason": %q, "actor": "ops"}`, strings.Repeat("a long story, ", 60)))
	p.sees("main span, main div", "Completed")
	b = p.details("evt_attention", "Discarded: a long story")
	b.fits(p)
	require.Equal(t, []string{s.adminURL + "/api/events/evt_attention"}, b.Links)

	t.Log("discarding")
	back := s.away("webhook_events")
	p.event(longID)
	p.signal("discard", `{"reason": "a test", "actor": "ops"}`)
	p.details(longID, "Discarding. While that fails").fits(p)
	back()

	t.Log("applying")
	s.away("orders")
	s.run("send", "order.paid", "--id", "evt_applying", "--order", "order_of_a")
	p.details("evt_applying", "Applying failed").fits(p)
	p.tab("Pending Activities", "pending-activities")
	p.shows("the last failure", func() bool {
		return evaluate[bool](p, "document.querySelector(`main`).innerText.includes(`SQLSTATE 42P01`)")
	})
	p.illustrate("retrying")
}

// away renames a table, so that whatever needs it fails, until back is called or the test ends.
func (s *system) away(table string) (back func()) {
	s.Helper()
	return s.rename(table, "", table+"_away")
}

// rename renames a table, or its column, until back is called or the test ends.
func (s *system) rename(table, column, to string) (back func()) {
	s.Helper()
	there, again := `ALTER TABLE `+table+` RENAME TO `+to, `ALTER TABLE `+to+` RENAME TO `+table
	if column != "" {
		there, again = `ALTER TABLE `+table+` RENAME COLUMN `+column+` TO `+to, `ALTER TABLE `+table+` RENAME COLUMN `+to+` TO `+column
	}
	s.exec(there)
	back = sync.OnceFunc(func() { s.exec(again) })
	s.Cleanup(back)
	return back
}

func TestDetailsFitWhileWhatWaitedIsReleased(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.run("send", "order.paid", "--id", "evt_is_released", "--order", longOrder+"_2")
	s.awaitPhase("evt_is_released", "waiting")
	parking := s.rename("pending_events", "detail", "detail_away") // no event can be parked
	finding := s.rename("pending_events", "received_at", "received_at_away")
	s.run("send", "order.created", "--id", "evt_releases", "--order", longOrder+"_2")
	p := s.page()
	p.details("evt_releases", "Applied; waking the events that wait for order").fits(p)
	p.signal("retry", "") // before it continues by itself
	parking()
	finding()
	p.sees("main span, main div", "Completed")
	p.details("evt_releases", "Applied").fits(p)
}
