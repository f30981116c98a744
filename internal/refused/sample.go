package refused

import (
	"crypto/sha256"
	"maps"
	"mime"
	"net/netip"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"inorder"
)

// Sample is what is kept of a refusal: a row of refused_deliveries. It holds neither the body nor the signature nor a secret. Of the headers it
// holds their names, and the values of only three: Content-Type without its parameters, Content-Encoding, and the product that User-Agent begins with.
// Of the body it holds the event's ID, its type and the order's ID, if they look like such; names, addresses and everything else are left out.
// Every text is bounded, so a row takes 8 KiB at most.
type Sample struct {
	At       time.Time
	Reason   Reason
	Status   int
	Evidence Evidence
	Client   netip.Addr
	Network  netip.Prefix
	Finding

	Bytes           int64  // of the body; -1 if that is not known
	BodyHash        []byte // SHA-256 of the body as it came; nil if it was not read
	ContentType     string
	ContentEncoding string
	UserAgent       string
	HeaderNames     []string

	EventID, Type, OrderID string
}

const (
	maxNames   = 40
	maxName    = 40
	maxSummary = 700
	maxAdvice  = 1000

	readCost = 16 // finding out which event a body is of costs as much as hashing the body this often
)

// sampleOf returns the sample, and how much work it took.
func sampleOf(r Refusal, tried Secrets, isKnown bool) (s Sample, work int) {
	s = Sample{At: r.At.UTC(), Reason: r.Reason, Status: r.Status, Client: r.Client.Unmap().WithZone(""), Network: networkOf(r.Client), Bytes: r.Bytes, Evidence: None}
	if r.Reason == BadSignature {
		s.Finding, work = explain(r.Delivery, tried)
	} else {
		s.Finding = Other(r.Reason, r.Detail)
	}
	switch {
	case r.Authentic || s.Explained():
		s.Evidence = BySecret
	case isKnown:
		s.Evidence = ByAddress
	}
	if r.Body != nil {
		sum := sha256.Sum256(r.Body)
		s.BodyHash = sum[:]
		s.EventID, s.Type, s.OrderID = identify(r.Body)
	}
	s.headers(r)
	s.Summary, s.Advice = shortened(s.Summary, maxSummary), shortened(s.Advice, maxAdvice)
	s.scrub(tried.Keys)
	return s, work + readCost*len(r.Body)
}

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	mediaType  = regexp.MustCompile(`^[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}$`)
	codings    = regexp.MustCompile(`^[a-z0-9, ]{1,40}$`)
	product    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.-]{0,29}/[0-9][0-9.]{0,19}`)

	idOnly   = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	typeOnly = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}(\.[a-z0-9_]{1,40}){1,3}$`)
)

func (s *Sample) headers(r Refusal) {
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if len(s.HeaderNames) < maxNames && len(name) <= maxName && headerName.MatchString(name) {
			s.HeaderNames = append(s.HeaderNames, textproto.CanonicalMIMEHeaderKey(name))
		}
	}
	if t, _, err := mime.ParseMediaType(first(r.Header, "Content-Type")); err == nil && mediaType.MatchString(t) {
		s.ContentType = t
	}
	if c := strings.ToLower(first(r.Header, "Content-Encoding")); codings.MatchString(c) {
		s.ContentEncoding = c
	}
	s.UserAgent = product.FindString(first(r.Header, "User-Agent"))
}

// identify returns the IDs and the type that a body names; "" for one that does not look like such.
func identify(body []byte) (eventID, eventType, orderID string) {
	e, err := inorder.ParseEvent(body)
	if err != nil {
		return "", "", ""
	}
	if idOnly.MatchString(e.ID) {
		eventID = e.ID
	}
	if typeOnly.MatchString(e.Type) {
		eventType = e.Type
	}
	if id := e.OrderID(); idOnly.MatchString(id) {
		orderID = id
	}
	return eventID, eventType, orderID
}

// scrub empties every text that holds a secret, wherever its sender may have put it.
func (s *Sample) scrub(keys []Key) {
	texts := []*string{&s.ContentType, &s.ContentEncoding, &s.UserAgent, &s.EventID, &s.Type, &s.OrderID}
	for i := range s.HeaderNames {
		texts = append(texts, &s.HeaderNames[i])
	}
	for _, text := range texts {
		for _, k := range keys {
			bare := strings.ToLower(strings.TrimPrefix(string(k.Secret), secretPrefix))
			if len(bare) >= 4 && strings.Contains(strings.ToLower(*text), bare) {
				*text = ""
			}
		}
	}
	s.HeaderNames = slices.DeleteFunc(s.HeaderNames, func(name string) bool { return name == "" })
}

func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}
