package platform

import (
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// maxLimit is the size of the platform's largest page.
const maxLimit = 100

// Page is one page of a list.
type Page[T any] struct {
	Data       []T
	HasMore    bool
	NextCursor string // the StartingAfter of the next page; see Next
	TotalCount *int   // of all pages, for orders; nil if the platform does not say

	Reading
}

// UnmarshalJSON reads a page; an error means that its data is not a list. The type T decides how to read an element of another
// kind than documented. A next_cursor or total_count of another kind counts as missing, and a has_more of another kind as true.
func (p *Page[T]) UnmarshalJSON(raw []byte) error {
	var f struct {
		Data       json.RawMessage `json:"data"`
		HasMore    json.RawMessage `json:"has_more"`
		NextCursor json.RawMessage `json:"next_cursor"`
		TotalCount json.RawMessage `json:"total_count"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	*p = Page[T]{}
	if json.Unmarshal(f.Data, &p.Data) != nil || p.Data == nil {
		return errors.New("data is not a list")
	}
	if len(f.HasMore) > 0 && json.Unmarshal(f.HasMore, &p.HasMore) != nil {
		p.HasMore = true
	}
	_ = json.Unmarshal(f.NextCursor, &p.NextCursor)
	if json.Unmarshal(f.TotalCount, &p.TotalCount) != nil {
		p.TotalCount = nil
	}
	return nil
}

// Reading says when the platform read what it answered: at some moment between AsOf-Took and the end of AsOf's second.
type Reading struct {
	AsOf time.Time     // the answer's Date by the platform's clock, in whole seconds; zero if it had none
	Took time.Duration // how long the answered attempt took
}

// ListOptions select a page.
type ListOptions struct {
	Limit         int    // 1 to 100; default: the platform's, 20
	StartingAfter string // default: the first page
}

func (o ListOptions) query() url.Values {
	q := url.Values{}
	if o.Limit != 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	set(q, "starting_after", o.StartingAfter)
	return q
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

const (
	// maxCursor bounds a cursor, in bytes, because callers store cursors. A cursor is an object's ID.
	maxCursor = 1024
	// maxPages ends a list that would never end: ten million objects.
	maxPages = 100_000
)

// Trail is a position in a list that is read page by page. Its size is bounded, so that it can be stored, to continue the list
// later. The zero Trail is the beginning.
type Trail struct {
	Cursor string `json:"cursor,omitempty"` // the StartingAfter of the next page
	Pages  int    `json:"pages,omitempty"`  // how many were read before it
	// Passed is the cursor of an earlier page; it moves up whenever Pages has doubled. A list that goes in a circle, of any
	// length, comes to that page again (Brent's algorithm).
	Passed string `json:"passed,omitempty"`
}

// Next returns the position after this page, which was read at t; nil after the last page. A page that says has_more but leads to
// no new page is a lasting error: the list is incomplete.
func (p Page[T]) Next(t Trail) (*Trail, error) {
	if !p.HasMore {
		return nil, nil
	}
	next := Trail{Cursor: p.NextCursor, Pages: t.Pages + 1, Passed: t.Passed}
	switch {
	case next.Cursor == "":
		return nil, incomplete("without a next_cursor")
	case len(next.Cursor) > maxCursor:
		return nil, incomplete("with a next_cursor of more than " + strconv.Itoa(maxCursor) + " bytes")
	case next.Cursor == t.Cursor, next.Cursor == t.Passed:
		return nil, incomplete("with the next_cursor of a page that was read before")
	case next.Pages >= maxPages:
		return nil, incomplete("for the " + strconv.Itoa(maxPages) + "th time")
	}
	if next.Pages&(next.Pages-1) == 0 {
		next.Passed = next.Cursor
	}
	return &next, nil
}

func incomplete(how string) error {
	return &lasting{errors.New("platform: a page says has_more " + how + ": the list is incomplete")}
}

// all returns the elements of all pages from the cursor on. An error is the last element.
func all[T any](cursor string, fetch func(cursor string) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for at := (&Trail{Cursor: cursor}); at != nil; {
			page, err := fetch(at.Cursor)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range page.Data {
				if !yield(item, nil) {
					return
				}
			}
			if at, err = page.Next(*at); err != nil {
				yield(none, err)
				return
			}
		}
	}
}
