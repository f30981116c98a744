package history

import (
	"cmp"
	"slices"
	"strings"
)

// The statuses in the order of their lifecycles, from the platform's documents.
const (
	statusLife      = "draft pending confirmed processing completed cancelled"
	paymentLife     = "unpaid awaiting_payment partially_paid paid partially_refunded refunded"
	fulfillmentLife = "unfulfilled partially_fulfilled fulfilled returned"
)

var (
	partLife = map[string]string{
		"payment":     "pending failed cancelled completed refunded",
		"fulfillment": "pending shipped delivered cancelled",
		"refund":      "pending failed completed",
		"return":      "requested approved rejected received completed cancelled",
	}

	// impliedStatus is the status that an event's type implies for its part if data has none.
	impliedStatus = map[string]string{
		"payment.created": "pending", "payment.completed": "completed", "payment.failed": "failed",
		"payment.refunded": "completed", "refund.created": "pending", "refund.completed": "completed",
		"fulfillment.created": "pending", "fulfillment.shipped": "shipped", "fulfillment.delivered": "delivered",
		"return.requested": "requested", "return.completed": "completed",
	}
)

// kindOf returns the kind of the part that an event of this type is about.
func kindOf(eventType string) string {
	if eventType == "payment.refunded" {
		return "refund"
	}
	kind, _, _ := strings.Cut(eventType, ".")
	return kind
}

func creates(e Event) bool { return e.Type == "order.created" || e.Type == reconciled }

// isAboutOrder reports whether the event is about orders and its data is the order.
func isAboutOrder(e Event) bool { return e.Part == nil && e.Type != "product.updated" }

func isFullOrder(e Event) bool {
	return isAboutOrder(e) && (creates(e) || e.Full && e.Status != "")
}

// saysAnything reports whether the event contains anything that the order keeps.
func saysAnything(e Event) bool {
	return e.Part != nil || isFullOrder(e) || statusOf(e)+paymentOf(e)+fulfillmentOf(e) != ""
}

func statusOf(e Event) string {
	return spoken(e, e.Status, map[string]string{"order.confirmed": "confirmed", "order.completed": "completed", "order.cancelled": "cancelled"})
}

func paymentOf(e Event) string {
	return spoken(e, e.Payment, map[string]string{"order.paid": "paid"})
}

func fulfillmentOf(e Event) string {
	return spoken(e, e.Fulfillment, map[string]string{"order.fulfilled": "fulfilled"})
}

func spoken(e Event, inData string, byType map[string]string) string {
	if !isAboutOrder(e) {
		return ""
	}
	return cmp.Or(inData, byType[e.Type])
}

// place returns a letter that sorts like the value's place in its lifecycle, and "a" for a value that is not in it.
func place(lifecycle, value string) string {
	return string(rune('b' + slices.Index(strings.Fields(lifecycle), value)))
}

// sorted returns the history sorted by time, and events of the same time sorted by within.
func sorted(history []Event, within func(Event) string) []Event {
	return slices.SortedFunc(slices.Values(history), func(a, b Event) int {
		return cmp.Or(a.at().Compare(b.at()), strings.Compare(within(a), within(b)))
	})
}
