package standin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Placement says which orders Place makes.
type Placement struct {
	Count   int      `json:"count"`   // number of orders; default 1
	Mode    string   `json:"mode"`    // "test" or "live"; default test
	Actions []string `json:"actions"` // carried out on each order afterwards; see Advance
}

// record is an order with what its JSON does not show.
type record struct {
	*Order
	mode    string
	number  int
	at      time.Time
	returns []*Return
}

// maxCount is the most orders of one Placement.
const maxCount = 10_000

// Place makes orders as shoppers would, emits order.created for each and advances it. If an action is refused, Place stops:
// it returns the orders that it finished, and all that it made stay.
func (s *Server) Place(p Placement) ([]Order, error) {
	p.Count = max(p.Count, 1)
	switch {
	case p.Mode == "":
		p.Mode = "test"
	case p.Mode != "test" && p.Mode != "live":
		return nil, invalid("mode", "mode must be test or live")
	}
	if p.Count > maxCount {
		return nil, invalid("count", fmt.Sprintf("count must be at most %d", maxCount))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	placed := make([]Order, 0, p.Count)
	for range p.Count {
		r := s.placeOne(p.Mode)
		for _, action := range p.Actions {
			if err := s.advance(r, action); err != nil {
				return placed, err
			}
		}
		placed = append(placed, r.copy())
	}
	return placed, nil
}

func (s *Server) placeOne(mode string) *record {
	r := s.newOrder(mode, 1001+len(s.orders))
	s.orders = append(s.orders, r)
	s.emit(r, "order.created", r.Order)
	return r
}

// Orders returns copies of all orders of both modes, oldest first.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Order, len(s.orders))
	for i, r := range s.orders {
		all[i] = r.copy()
	}
	return all
}

// copy returns a deep copy of the order.
func (r *record) copy() (o Order) {
	raw, _ := json.Marshal(r.Order)
	_ = json.Unmarshal(raw, &o)
	return o
}

var catalogue = []struct {
	name  string
	price int
}{{"Canvas bag", 52000}, {"Enamel cup", 13000}, {"Notebook, ruled", 9500}, {"Wool socks & laces", 18000}}

// newOrder makes an order with one to three lines. Everything in it but the times follows from its number.
func (s *Server) newOrder(mode string, number int) *record {
	now := s.opts.Now()
	n := strconv.Itoa(number)
	home := &Address{Name: "Example Buyer " + n, Line1: n + " Example Street", City: "Seoul", PostalCode: "00000", Country: "KR"}
	o := &Order{
		ID: "ord_" + s.opts.Run + "_" + n, Number: number,
		Status: "pending", PaymentStatus: "unpaid", FulfillmentStatus: "unfulfilled",
		CustomerID: new("cus_" + s.opts.Run + "_" + n), Email: "buyer" + n + "@example.com", ShippingAddress: home, BillingAddress: home, ShippingMethodName: new("Standard"),
		AppliedDiscounts: []any{}, Payments: []*Payment{}, Fulfillments: []*Fulfillment{}, Refunds: []*Refund{},
		Metadata: map[string]any{}, CreatedAt: s.timestamp(now),
	}
	if s.opts.StringNumbers {
		o.Number = n
	}
	subtotal := 0
	for i := range 1 + number%3 {
		item := (number + i) % len(catalogue)
		price, quantity := catalogue[item].price, 1+(number+i)%2
		o.Lines = append(o.Lines, Line{
			ID: fmt.Sprintf("ol_%s_%s_%d", s.opts.Run, n, i+1), VariantID: fmt.Sprintf("var_%d", item+1), ProductID: fmt.Sprintf("prod_%d", item+1),
			ProductName: catalogue[item].name, SKU: new(fmt.Sprintf("SKU-%03d", item+1)), Quantity: quantity, OptionValues: map[string]string{},
			UnitPrice: won(price), LineDiscount: won(0), LineTotal: won(price * quantity), TaxAmount: won(price * quantity / 11),
		})
		subtotal += price * quantity
	}
	o.Subtotal, o.DiscountTotal, o.ShippingTotal = won(subtotal), won(0), won(3000)
	o.Total, o.TaxTotal, o.RefundedTotal = won(subtotal+3000), won(subtotal/11), won(0)
	return &record{Order: o, mode: mode, number: number, at: now}
}

func won(amount int) Money { return Money{amount, "KRW"} }

func (s *Server) findOrder(id, mode string) (*record, error) {
	for _, r := range s.orders {
		if r.ID == id && (mode == "" || r.mode == mode) {
			return r, nil
		}
	}
	return nil, notFound("Order", id)
}

func (s *Server) getOrder(c call) (int, any, error) {
	r, err := s.findOrder(c.PathValue("id"), c.mode)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, r.Order, nil
}
