package inorder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is one webhook event, as read from the platform's envelope, {"id","type","created_at","data","store_id"}.
type Event struct {
	ID      string // the envelope's id, or else the hex SHA-256 of the body
	Type    string // such as "order.paid"; the set is open. A longer one is cut to 128 characters
	StoreID string // "" if the envelope names none or an invalid one: not a string, or over 255 characters

	// OccurredAt is the envelope's created_at, in microseconds like PostgreSQL's times. It is zero if the envelope has no
	// usable one. A time that is not after the zero time is not usable: it would lose even against an aspect that was never
	// set. A leap second becomes the last microsecond of the second before it, so it still comes before the second after it.
	OccurredAt time.Time

	// ReceivedAt is when the receiver took the event. ParseEvent leaves it to the caller.
	ReceivedAt time.Time
	// RetriedAt is when a person last asked to apply the event again; zero for never. From then on its date is judged by that time.
	RetriedAt time.Time

	Data json.RawMessage // the envelope's data, any JSON value or none
	Body json.RawMessage // the whole envelope, byte for byte
}

var eventID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// ParseEvent reads an envelope whose signature has been verified. It refuses only what can't be an event at all: a body that
// is not a JSON object, a type that is missing or not a string, an invalid id. The error is one line for the sender and quotes
// nothing. Everything else, such as the time and the data, is judged later, where a person can see it: see [Event.Change].
//
// An envelope without an id gets one from its own bytes, so that a redelivery is still recognised. The event keeps body; the
// caller must not change it afterwards.
func ParseEvent(body []byte) (Event, error) {
	envelope, err := parseObject(body)
	if err != nil {
		return Event{}, errors.New("the body must be a JSON object")
	}
	e := Event{Body: body, Data: within(body, envelope["data"])}

	if e.Type, err = envelope.str("type"); err != nil {
		return Event{}, err
	} else if e.Type == "" {
		return Event{}, errors.New("type is missing")
	}
	e.Type = first(e.Type, maxType)
	if isNull(envelope["id"]) {
		sum := sha256.Sum256(body)
		e.ID = hex.EncodeToString(sum[:])
	} else if e.ID, _ = envelope.str("id"); !eventID.MatchString(e.ID) {
		return Event{}, errors.New("id must be a string of 1 to 64 characters out of A-Z a-z 0-9 . _ : -")
	}
	// An invalid store_id or created_at is no reason to lose the event.
	e.StoreID, _ = envelope.short("store_id", maxID)
	createdAt, _ := envelope.str("created_at")
	e.OccurredAt = parseTime(createdAt)
	return e, nil
}

// within returns part as a slice of whole, so that an event does not hold its data twice while it waits.
func within(whole, part []byte) []byte {
	if at := bytes.Index(whole, part); part != nil && at >= 0 {
		return whole[at : at+len(part) : at+len(part)]
	}
	return part
}

// leapSecond matches a time whose second is 60, which package time rejects, and captures what stands around the second.
var leapSecond = regexp.MustCompile(`^(.{17})60(?:\.[0-9]+)?(Z|[+-][0-9:]{5})$`)

// parseTime reads an RFC 3339 time, including the lower-case letters and leap seconds of the RFC. Other text gives the zero time.
func parseTime(text string) time.Time {
	text = strings.ToUpper(text)
	leap := leapSecond.FindStringSubmatch(text)
	if leap != nil {
		text = leap[1] + "59.999999" + leap[2]
	}
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC().Truncate(time.Microsecond)
	atMidnight := at.Hour() == 23 && at.Minute() == 59 // the only minute that can have 61 seconds
	if err != nil || !at.After(time.Time{}) || leap != nil && !atMidnight {
		return time.Time{}
	}
	return at
}

// AboutOrders reports whether the event is of a family that the orders table follows.
func (e Event) AboutOrders() bool { return IsAboutOrders(e.Type) }

// OrderID returns the ID of the order that the event is about, or "" if it names none: data.order_id if that is a
// non-empty string, else data.id for order events and for payment events that carry the order itself.
func (e Event) OrderID() string {
	data, err := parseObject(e.Data)
	if err != nil || !e.AboutOrders() {
		return ""
	}
	return e.orderID(data)
}

func (e Event) orderID(data object) string {
	id, _ := data.str("order_id")
	if id == "" && e.orderShaped(data) {
		id, _ = data.str("id")
	}
	if utf8.RuneCountInString(id) > maxID {
		return ""
	}
	return id
}

// orderShaped reports whether data is the order itself, as opposed to one of its parts. The platform documents
// payment.completed and payment.failed with the order as data; a Payment object has fields that an
// order does not have. payment.refunded is documented as a Refund, whose own id must not pass for an order's.
func (e Event) orderShaped(data object) bool {
	switch Family(e.Type) {
	case "order":
		return true
	case "payment":
		isPart := data.has("order_id") || data.has("amount") || data.has("provider") || data.has("provider_id")
		return e.Type != TypePaymentRefunded && !isPart
	}
	return false
}

// object is a JSON object whose values are not decoded. Unlike a struct it matches keys exactly, and keeps numbers as
// they were written.
type object map[string]json.RawMessage

func parseObject(raw []byte) (object, error) {
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("null is not an object")
	}
	return o, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// has reports whether the key is there with a value other than null.
func (o object) has(key string) bool { return !isNull(o[key]) }

// str reads a string; absent and null give "". U+FFFD replaces what PostgreSQL's text can't hold: NUL here, and
// invalid UTF-8 in the decoder.
func (o object) str(key string) (string, error) {
	if !o.has(key) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(o[key], &s); err != nil {
		return "", fmt.Errorf("%s must be a string", key)
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD"), nil
}
