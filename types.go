package inorder

import (
	"slices"
	"strings"
)

// The event types that the code handles by name. It reads any other type of [IsAboutOrders] by its family, verb and data.
const (
	TypeOrderCreated    = "order.created" // creates the order; the others wait for it
	TypeOrderConfirmed  = "order.confirmed"
	TypeOrderCompleted  = "order.completed"
	TypeOrderCancelled  = "order.cancelled"
	TypeOrderPaid       = "order.paid"
	TypeOrderFulfilled  = "order.fulfilled"
	TypePaymentRefunded = "payment.refunded" // its data is a refund

	// TypeReconciled is the type of the event that we make from an order as the platform's API returned it. It is
	// processed like any other event. Its data is the order, and it creates a missing order.
	TypeReconciled = "order.reconciled"
)

// eventTypes are the types that the platform documents.
var eventTypes = []string{
	"customer.created", "customer.updated",
	"fulfillment.created", "fulfillment.delivered", "fulfillment.shipped",
	"inventory.low", "inventory.out_of_stock",
	TypeOrderCancelled, TypeOrderCompleted, TypeOrderConfirmed, TypeOrderCreated, TypeOrderFulfilled, TypeOrderPaid, "order.updated",
	"payment.completed", "payment.created", "payment.failed", TypePaymentRefunded,
	"product.created", "product.deleted", "product.updated",
	"return.completed", "return.requested",
}

// EventTypes returns the types that the platform is known to send, sorted. The list is open: others may come.
func EventTypes() []string { return slices.Clone(eventTypes) }

// orderFamilies are the families of events that the orders table follows.
var orderFamilies = []string{"order", "payment", "fulfillment", "refund", "return"}

// Family returns what stands before a type's first dot: "order" of "order.paid".
func Family(eventType string) string {
	family, _, _ := strings.Cut(eventType, ".")
	return family
}

// IsAboutOrders reports whether a type, known or not, is of a family that the orders table follows.
func IsAboutOrders(eventType string) bool {
	return strings.Contains(eventType, ".") && slices.Contains(orderFamilies, Family(eventType))
}
