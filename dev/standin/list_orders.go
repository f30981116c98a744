package standin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

func (s *Server) listOrders(c call) (int, any, error) {
	wanted, err := orderFilter(c.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	page, total, err := paginate(s.orders, c.URL.Query(), func(r *record) string { return r.ID },
		func(r *record) bool { return r.mode == c.mode && wanted(r) })
	page.TotalCount = &total
	return http.StatusOK, page, err
}

// orderFilter reads the filters of a list of orders. created_after and created_before are exclusive, and q matches a
// substring of the ID, the number or the e-mail address. The documents specify neither.
func orderFilter(q url.Values) (func(*record) bool, error) {
	after, err := timeParam(q, "created_after")
	if err != nil {
		return nil, err
	}
	before, err := timeParam(q, "created_before")
	if err != nil {
		return nil, err
	}
	is := func(name, value string) bool { return q.Get(name) == "" || q.Get(name) == value }
	text := strings.ToLower(q.Get("q"))
	return func(r *record) bool {
		return is("status", r.Status) && is("payment_status", r.PaymentStatus) && is("fulfillment_status", r.FulfillmentStatus) &&
			(after.IsZero() || r.at.After(after)) && (before.IsZero() || r.at.Before(before)) &&
			(strings.Contains(r.ID, text) || strings.Contains(strconv.Itoa(r.number), text) || strings.Contains(r.Email, text))
	}, nil
}

func timeParam(q url.Values, name string) (t time.Time, err error) {
	if text := q.Get(name); text != "" {
		if t, err = time.Parse(time.RFC3339, text); err != nil {
			return t, invalid(name, name+" must be an RFC 3339 time")
		}
	}
	return t, nil
}
