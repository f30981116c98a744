package api

import (
	"encoding/json"
	"time"
)

// Order is an order in a list.
type Order struct {
	ID                string    `json:"id"`
	StoreID           string    `json:"store_id,omitempty"`
	Number            string    `json:"number,omitempty"`
	Status            string    `json:"status,omitempty"`
	PaymentStatus     string    `json:"payment_status,omitempty"`
	FulfillmentStatus string    `json:"fulfillment_status,omitempty"`
	TotalAmount       *int64    `json:"total_amount"`
	Currency          string    `json:"currency,omitempty"`
	LastWebhookAt     time.Time `json:"last_webhook_at"`
	CreatedAt         time.Time `json:"created_at"`
	UpdatedAt         time.Time `json:"updated_at"`
}

// OrderView is one order.
type OrderView struct {
	Order
	Aspects []Aspect        `json:"aspects"`
	Parts   []Part          `json:"parts"`
	Refunds []Refunded      `json:"refunds"` // the sums
	Data    json.RawMessage `json:"data"`    // the latest full order
	DataAt  time.Time       `json:"data_at"`
	Waiting int             `json:"waiting"` // events that this order holds up; see its path /blocked
}

// Aspect is one status of an order with its clock.
type Aspect struct {
	Name    string     `json:"name"` // status, payment_status, fulfillment_status, data
	Value   string     `json:"value,omitempty"`
	At      *time.Time `json:"at"`
	EventID string     `json:"event_id,omitempty"` // that set it; "" where its row has been purged
}

// Part is a payment, fulfillment, refund or return of an order.
type Part struct {
	Kind          string          `json:"kind"`
	ID            string          `json:"id"`
	Status        string          `json:"status,omitempty"`
	Amount        *int64          `json:"amount"`
	Currency      string          `json:"currency,omitempty"`
	EventID       string          `json:"event_id"`
	LastWebhookAt time.Time       `json:"last_webhook_at"`
	Counts        bool            `json:"counts"` // false of one without an ID of its own that a later list overtook
	Data          json.RawMessage `json:"data"`
}

// Refunded is what was refunded in one currency.
type Refunded struct {
	Currency string `json:"currency,omitempty"`
	Amount   int64  `json:"refunded_amount"`
	Refunds  int    `json:"refunds"`
}

// Blocked is what holds an order up.
type Blocked struct {
	OrderID string        `json:"order_id"`
	Exists  bool          `json:"exists"`
	Events  Page[Blocker] `json:"events"`  // in the inbox, waiting, in attention, being retried
	Lock    *LockHolder   `json:"lock"`    // null while nobody holds the order's lock
	Summary string        `json:"summary"` // in words
	Missing []Missing     `json:"missing,omitempty"`
}

// Blocker is an event that has not ended.
type Blocker struct {
	Event
	LastFailure string     `json:"last_failure,omitempty"`
	NextAttempt *time.Time `json:"next_attempt,omitempty"`
}

// LockHolder is who holds an order's lock in PostgreSQL.
type LockHolder struct {
	What        string  `json:"what"` // the order's lock, the order's row, or the table orders
	PID         int     `json:"pid"`
	Application string  `json:"application,omitempty"`
	User        string  `json:"user,omitempty"`
	Client      string  `json:"client,omitempty"`
	State       string  `json:"state,omitempty"`
	ForSeconds  float64 `json:"for_seconds"` // since its transaction began
	Waiting     int     `json:"waiting"`     // transactions that wait for it
}
