package receiver

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"inorder/internal/delivery"
	"inorder/internal/traffic"
)

func TestEveryDeliveryIsCountedByItsResult(t *testing.T) {
	counted := traffic.New()
	starter := &fakeStarter{}
	r, _ := newTest(t, starter, func(o *Options) { o.Traffic, o.MaxBodyBytes = counted, 1<<10 })
	send(t, r, posted(vectorBody))
	starter.err = serviceerror.NewWorkflowExecutionAlreadyStarted("", "", "")
	send(t, r, posted(vectorBody))
	send(t, r, posted(strings.Replace(vectorBody, "order.", "customer.", 1)))
	starter.err = errors.New("refused")
	send(t, r, posted(vectorBody))
	send(t, r, posted(`{"no":"type"}`))
	send(t, r, with(posted(vectorBody), delivery.SignatureHeader))
	send(t, r, with(posted(vectorBody), delivery.SignatureHeader, strings.Repeat("0", 64)))
	send(t, r, posted(strings.Repeat(" ", 2<<10)))
	send(t, r, withURL(posted(vectorBody), "/elsewhere"))

	results := map[string]int64{}
	counted.EachDelivery(func(result string, n int64) { results[result] = n })
	require.Equal(t, map[string]int64{"accepted": 1, "duplicate": 2, "spilled": 0, "unavailable": 1, "bad_event": 1, "bad_signature": 2, "too_large": 1}, results)
	last := map[string]time.Time{}
	counted.EachFamily(func(family string, at time.Time) { last[family] = at })
	require.Equal(t, map[string]time.Time{"order": receivedAt.UTC(), "other": receivedAt.UTC()}, last, "of those that were acknowledged")
}
