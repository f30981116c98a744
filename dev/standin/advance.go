package standin

import (
	"maps"
	"slices"
	"strings"
)

// action changes an order as the shop's staff or its shoppers would and emits the events of that change, or refuses.
type action func(*Server, *record) error

// actions are the actions of Advance.
var actions = map[string]action{
	"pay": (*Server).pay, "pay_part": (*Server).payPart, "fail_payment": (*Server).failPayment,
	"process": (*Server).process, "complete": (*Server).complete, "cancel": (*Server).cancel, "update": (*Server).update,
	"fulfill": (*Server).fulfill, "fulfill_part": (*Server).fulfillPart, "ship": (*Server).ship, "deliver": (*Server).deliverParcel,
	"refund": (*Server).refund, "refund_part": (*Server).refundPart,
	"request_return": (*Server).requestReturn, "request_exchange": (*Server).requestExchange, "complete_return": (*Server).completeReturn,
}

// Actions returns the names of Advance's actions, sorted.
func Actions() []string { return slices.Sorted(maps.Keys(actions)) }

// Advance carries out an action on an order: pay, pay_part, fail_payment, process, fulfill, fulfill_part, ship, deliver,
// complete, cancel, refund, refund_part, request_return, request_exchange, complete_return or update. If the order's state does not
// allow the action, Advance changes nothing and returns the error INVALID_STATE_TRANSITION.
//
// process emits no event, because the platform has no order.processing: only a GET shows the new status.
func (s *Server) Advance(orderID, action string) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.findOrder(orderID, "")
	if err != nil {
		return Order{}, err
	}
	err = s.advance(r, action)
	return r.copy(), err
}

func (s *Server) advance(r *record, name string) error {
	do, known := actions[name]
	if !known {
		return invalid("action", "Unknown action "+name+": use one of "+strings.Join(Actions(), ", "))
	}
	return do(s, r)
}

// refuse returns the error for an action that the order's state does not allow.
func (r *record) refuse(action string) error {
	return conflict("Cannot " + action + " an order that is " + r.Status + ", " + r.PaymentStatus + ", " + r.FulfillmentStatus)
}

func (r *record) in(statuses ...string) bool { return slices.Contains(statuses, r.Status) }

func (s *Server) now() string { return s.timestamp(s.opts.Now()) }

func (s *Server) process(r *record) error {
	if !r.in("confirmed") {
		return r.refuse("process")
	}
	r.Status = "processing"
	return nil
}

func (s *Server) complete(r *record) error {
	if !r.in("confirmed", "processing") {
		return r.refuse("complete")
	}
	r.Status, r.CompletedAt = "completed", new(s.now())
	s.emit(r, "order.completed", r.Order)
	return nil
}

func (s *Server) cancel(r *record) error {
	if r.in("completed", "cancelled") {
		return r.refuse("cancel")
	}
	r.Status, r.CancelledAt = "cancelled", new(s.now())
	s.emit(r, "order.cancelled", r.Order)
	return nil
}

func (s *Server) update(r *record) error {
	r.Note = new("Changed at " + s.now())
	s.emit(r, "order.updated", s.brief(r))
	return nil
}
