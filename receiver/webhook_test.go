package receiver

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"inorder/activities"
	"inorder/workflows"
)

func TestWorkflowIsStartedWithTheDelivery(t *testing.T) {
	starter := &fakeStarter{}
	r, _ := newTest(t, starter, nil)
	send(t, r, posted(vectorBody))

	require.Len(t, starter.all(), 1)
	got := starter.all()[0]
	require.Equal(t, "ProcessEvent", got.workflow)
	require.Equal(t, vectorBody, string(got.body))
	require.Equal(t, activities.Receipt{EventID: "evt_abc123", ReceivedAt: receivedAt.UTC()}, got.receipt)

	require.Equal(t, "evt_abc123", got.options.ID)
	require.Equal(t, "test-queue", got.options.TaskQueue)
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, got.options.WorkflowIDReusePolicy)
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, got.options.WorkflowIDConflictPolicy)
	require.True(t, got.options.WorkflowExecutionErrorWhenAlreadyStarted)
	require.True(t, got.options.EnableEagerStart)
	require.Equal(t, "order.confirmed → order_001", got.options.StaticSummary)

	attributes := got.options.TypedSearchAttributes
	require.Equal(t, 3, attributes.Size())
	orderID, _ := attributes.GetKeyword(workflows.OrderIDKey)
	storeID, _ := attributes.GetKeyword(workflows.StoreIDKey)
	eventType, _ := attributes.GetKeyword(workflows.EventTypeKey)
	require.Equal(t, []string{"order_001", "store_001", "order.confirmed"}, []string{orderID, storeID, eventType})
}

func TestBytesAreNotRewritten(t *testing.T) {
	for name, body := range map[string]string{
		"white space and key order": "\n{ \"type\":\"order.paid\" ,\"id\":\"evt_1\" }\r\n",
		"numbers beyond 2^53":       `{"id":"evt_1","type":"order.paid","data":{"number":9007199254740993,"rate":1.10e-7}}`,
		"what JSON would escape":    `{"id":"evt_1","type":"order.paid","data":{"note":"<a&b> 가 \u0000"}}`,
		"invalid UTF-8":             "{\"id\":\"evt_1\",\"type\":\"order.paid\",\"data\":{\"note\":\"\xff\"}}",
		"a key given twice":         `{"id":"evt_0","id":"evt_1","type":"order.paid"}`,
	} {
		t.Run(name, func(t *testing.T) {
			starter := &fakeStarter{}
			r, _ := newTest(t, starter, nil)
			res, _ := send(t, r, posted(body))
			require.Equal(t, 200, res.StatusCode)
			require.Equal(t, body, string(starter.all()[0].body))
			require.Equal(t, "evt_1", starter.all()[0].options.ID)
		})
	}
}

func TestEventWithoutIDIsNamedByItsBytes(t *testing.T) {
	starter := &fakeStarter{}
	r, _ := newTest(t, starter, nil)
	const body = `{"type":"webhook.test"}`
	res, _ := send(t, r, with(posted(body), "X-Event-Id", "evt_forged"))

	require.Equal(t, 200, res.StatusCode)
	sum := sha256.Sum256([]byte(body))
	require.Equal(t, hex.EncodeToString(sum[:]), starter.all()[0].options.ID)
	require.Equal(t, "webhook.test", starter.all()[0].options.StaticSummary)
}
