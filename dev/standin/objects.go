package standin

// Money is an amount in minor units. KRW has none, so its amounts are whole won.
type Money struct {
	Amount   int    `json:"amount"`
	Currency string `json:"currency"`
}

// Address is a made-up postal address.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	City       string `json:"city"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

// Order is an order as the platform shows it, with the fields of the documents and the SDK.
type Order struct {
	ID                 string         `json:"id"`
	Number             any            `json:"number"` // an integer, or a string with Options.StringNumbers
	Status             string         `json:"status"`
	PaymentStatus      string         `json:"payment_status"`
	FulfillmentStatus  string         `json:"fulfillment_status"`
	CustomerID         *string        `json:"customer_id"`
	Email              string         `json:"email"`
	ShippingAddress    *Address       `json:"shipping_address"`
	BillingAddress     *Address       `json:"billing_address"`
	Lines              []Line         `json:"lines"`
	Subtotal           Money          `json:"subtotal"`
	DiscountTotal      Money          `json:"discount_total"`
	ShippingTotal      Money          `json:"shipping_total"`
	TaxTotal           Money          `json:"tax_total"` // included in the total
	Total              Money          `json:"total"`
	RefundedTotal      Money          `json:"refunded_total"`
	AppliedDiscounts   []any          `json:"applied_discounts"`
	ShippingMethodName *string        `json:"shipping_method_name"`
	Note               *string        `json:"note"`
	Payments           []*Payment     `json:"payments"`
	Fulfillments       []*Fulfillment `json:"fulfillments"`
	Refunds            []*Refund      `json:"refunds"`
	Metadata           map[string]any `json:"metadata"`
	CreatedAt          string         `json:"created_at"`
	CancelledAt        *string        `json:"cancelled_at"`
	CompletedAt        *string        `json:"completed_at"`
}

// Line is one variant of an order with its quantity and prices.
type Line struct {
	ID                string            `json:"id"`
	VariantID         string            `json:"variant_id"`
	ProductID         string            `json:"product_id"`
	ProductName       string            `json:"product_name"`
	VariantName       *string           `json:"variant_name"`
	SKU               *string           `json:"sku"`
	ImageURL          *string           `json:"image_url"`
	Quantity          int               `json:"quantity"`
	UnitPrice         Money             `json:"unit_price"`
	LineDiscount      Money             `json:"line_discount"`
	LineTotal         Money             `json:"line_total"`
	TaxAmount         Money             `json:"tax_amount"`
	FulfilledQuantity int               `json:"fulfilled_quantity"`
	RefundedQuantity  int               `json:"refunded_quantity"`
	OptionValues      map[string]string `json:"option_values"`
}

// LineQuantity is the quantity of an order's line that a fulfillment or refund covers.
type LineQuantity struct {
	OrderLineID string `json:"order_line_id"`
	Quantity    int    `json:"quantity"`
}

// Payment is a payment of an order. Its status is pending, completed, failed, cancelled or refunded.
type Payment struct {
	ID         string  `json:"id"`
	OrderID    string  `json:"order_id"`
	Provider   string  `json:"provider"`
	ProviderID *string `json:"provider_id"`
	Amount     Money   `json:"amount"`
	Status     string  `json:"status"`
	CreatedAt  string  `json:"created_at"`
}

// Fulfillment is a parcel. Its status is pending, shipped, delivered or cancelled.
type Fulfillment struct {
	ID             string         `json:"id"`
	OrderID        string         `json:"order_id"`
	Status         string         `json:"status"`
	TrackingNumber *string        `json:"tracking_number"`
	TrackingURL    *string        `json:"tracking_url"`
	Carrier        *string        `json:"carrier"`
	Lines          []LineQuantity `json:"lines"`
	CreatedAt      string         `json:"created_at"`
	ShippedAt      *string        `json:"shipped_at"`
	DeliveredAt    *string        `json:"delivered_at"`
}

// Refund is a refund of an order. Its status is pending, completed or failed.
type Refund struct {
	ID        string         `json:"id"`
	OrderID   string         `json:"order_id"`
	Amount    Money          `json:"amount"`
	Reason    string         `json:"reason"`
	Restock   bool           `json:"restock"`
	Status    string         `json:"status"`
	Lines     []LineQuantity `json:"lines"`
	CreatedAt string         `json:"created_at"`
}

// Return is a return, for a refund or an exchange. Its status is requested, approved, rejected, received, completed or
// cancelled. An order's JSON does not contain its returns.
type Return struct {
	ID              string         `json:"id"`
	OrderID         string         `json:"order_id"`
	StoreID         string         `json:"store_id"`
	ReturnType      string         `json:"return_type"`
	Status          string         `json:"status"`
	Reason          *string        `json:"reason"`
	ReasonCategory  *string        `json:"reason_category"`
	RefundID        *string        `json:"refund_id"`
	ExchangeOrderID *string        `json:"exchange_order_id"` // another order, once an exchange is completed
	AdminNotes      *string        `json:"admin_notes"`
	CustomerNotes   *string        `json:"customer_notes"`
	Metadata        map[string]any `json:"metadata"`
	Lines           []ReturnLine   `json:"lines"`
	CreatedAt       string         `json:"created_at"`
	UpdatedAt       string         `json:"updated_at"`
	ApprovedAt      *string        `json:"approved_at"`
	ReceivedAt      *string        `json:"received_at"`
	CompletedAt     *string        `json:"completed_at"`
}

// ReturnLine is the quantity of an order's line that is returned.
type ReturnLine struct {
	ID                string  `json:"id"`
	OrderLineID       string  `json:"order_line_id"`
	Quantity          int     `json:"quantity"`
	Reason            *string `json:"reason"`
	Condition         *string `json:"condition"`
	ExchangeVariantID *string `json:"exchange_variant_id"`
}
