package inorder

import "slices"

// A value's rank is its place in its lifecycle. Between two values of the same time the one further along wins, so
// that any order of arrival ends the same. Unknown values rank 0, below every known one.
var (
	statuses            = []string{"draft", "pending", "confirmed", "processing", "completed", "cancelled"}
	paymentStatuses     = []string{"unpaid", "awaiting_payment", "partially_paid", "paid", "partially_refunded", "refunded"}
	fulfillmentStatuses = []string{"unfulfilled", "partially_fulfilled", "fulfilled", "returned"}

	partStatuses = map[string][]string{
		"payment":     {"pending", "failed", "cancelled", "completed", "refunded"},
		"fulfillment": {"pending", "shipped", "delivered", "cancelled"},
		"refund":      {"pending", "failed", "completed"},
		"return":      {"requested", "approved", "rejected", "received", "completed", "cancelled"},
	}
)

func rank(lifecycle []string, value string) int { return slices.Index(lifecycle, value) + 1 }

func partRank(kind, status string) int { return rank(partStatuses[kind], status) }

// snapshotRank orders full orders of the same time: by status, then payment, then fulfillment.
func snapshotRank(status, payment, fulfillment string) int {
	return rank(statuses, status)*100 + rank(paymentStatuses, payment)*10 + rank(fulfillmentStatuses, fulfillment)
}
