package api

import (
	"encoding/json"
	"time"
)

// Order is an order in a list.
type Order struct {
	ID                string    `json:"id" doc:"The order's ID."`
	StoreID           string    `json:"store_id,omitempty" doc:"Its store."`
	Number            string    `json:"number,omitempty" doc:"Its number at the platform."`
	Status            string    `json:"status,omitempty" doc:"Such as confirmed."`
	PaymentStatus     string    `json:"payment_status,omitempty" doc:"Such as paid."`
	FulfillmentStatus string    `json:"fulfillment_status,omitempty" doc:"Such as fulfilled."`
	TotalAmount       *int64    `json:"total_amount" doc:"Its total in minor units of the currency; null if no event has carried it."`
	Currency          string    `json:"currency,omitempty" doc:"An ISO 4217 code."`
	LastWebhookAt     time.Time `json:"last_webhook_at" doc:"The time of the newest event that changed it."`
	CreatedAt         time.Time `json:"created_at" doc:"When it was first recorded here."`
	UpdatedAt         time.Time `json:"updated_at" doc:"When it last changed here."`
}

// OrderView is one order.
type OrderView struct {
	Order
	Aspects []Aspect        `json:"aspects" doc:"Its statuses, each with the event that set it."`
	Parts   []Part          `json:"parts" doc:"Its payments, fulfillments, refunds and returns."`
	Refunds []Refunded      `json:"refunds" doc:"What was refunded, by currency."`
	Data    json.RawMessage `json:"data" doc:"The latest full order. It may hold personal data."`
	DataAt  time.Time       `json:"data_at" doc:"The time of the event that carried it."`
	Waiting int             `json:"waiting" doc:"How many events this order holds up; see its path /blocked."`
}

// Aspect is one status of an order with its clock.
type Aspect struct {
	Name    string     `json:"name" doc:"status, payment_status, fulfillment_status or data."`
	Value   string     `json:"value,omitempty" doc:"Its value; left out for data, and if no event has carried it."`
	At      *time.Time `json:"at" doc:"The time of the event that set it; null if none did."`
	EventID string     `json:"event_id,omitempty" doc:"The event that set it; left out if its row has been purged."`
}

// Part is a payment, fulfillment, refund or return of an order.
type Part struct {
	Kind          string          `json:"kind" doc:"payment, fulfillment, refund or return."`
	ID            string          `json:"id" doc:"Its ID."`
	Status        string          `json:"status,omitempty" doc:"Such as completed."`
	Amount        *int64          `json:"amount" doc:"In minor units of the currency; null if it has none."`
	Currency      string          `json:"currency,omitempty" doc:"An ISO 4217 code."`
	EventID       string          `json:"event_id" doc:"The event that set it."`
	LastWebhookAt time.Time       `json:"last_webhook_at" doc:"The time of that event."`
	Counts        bool            `json:"counts" doc:"False for a part without an ID of its own that a later list superseded."`
	Data          json.RawMessage `json:"data" doc:"The part as the platform sent it. It may hold personal data."`
}

// Refunded is what was refunded in one currency.
type Refunded struct {
	Currency string `json:"currency,omitempty" doc:"An ISO 4217 code; left out if the refunds name none."`
	Amount   int64  `json:"refunded_amount" doc:"The sum in minor units."`
	Refunds  int    `json:"refunds" doc:"How many refunds."`
}

// Blocked is what holds an order up.
type Blocked struct {
	OrderID string        `json:"order_id" doc:"The order's ID."`
	Exists  bool          `json:"exists" doc:"Whether the order is here."`
	Events  Page[Blocker] `json:"events" doc:"Its events in the inbox, waiting, in attention or being retried."`
	Lock    *LockHolder   `json:"lock" doc:"Who holds the order's lock; null while nobody does."`
	Summary string        `json:"summary" doc:"All of it in words."`
	Missing []Missing     `json:"missing,omitempty" doc:"Which sources did not answer, and what is therefore missing."`
}

// Blocker is an event that has not ended.
type Blocker struct {
	Event
	LastFailure string     `json:"last_failure,omitempty" doc:"Why its last attempt failed."`
	NextAttempt *time.Time `json:"next_attempt,omitempty" doc:"When it is tried next."`
}

// LockHolder is who holds an order's lock in PostgreSQL.
type LockHolder struct {
	What        string  `json:"what" doc:"The order's lock, the order's row, or the table orders."`
	PID         int     `json:"pid" doc:"PostgreSQL's process."`
	Application string  `json:"application,omitempty" doc:"The application_name of its connection."`
	User        string  `json:"user,omitempty" doc:"Its role."`
	Client      string  `json:"client,omitempty" doc:"Where it connects from."`
	State       string  `json:"state,omitempty" doc:"What it does, such as idle in transaction."`
	ForSeconds  float64 `json:"for_seconds" doc:"Seconds since its transaction began."`
	Waiting     int     `json:"waiting" doc:"How many transactions wait for it."`
}
