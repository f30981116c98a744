package platform

import (
	"errors"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// maxLimit is the largest page that the platform gives.
const maxLimit = 100

// Page is one page of a list.
type Page[T any] struct {
	Data       []T    `json:"data"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor"` // the StartingAfter of the next page; "" on the last one
	TotalCount *int   `json:"total_count"` // of all pages, for orders; nil if the platform does not say

	Reading `json:"-"`
}

// Reading tells when the platform looked: at some moment between AsOf-Took and the end of AsOf's second.
type Reading struct {
	AsOf time.Time     // the answer's Date by the platform's clock, in whole seconds; zero if it had none
	Took time.Duration // the attempt that was answered
}

// ListOptions pick a page.
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

// all goes through the pages that fetch gives, from the cursor on. An error is its last element.
func all[T any](cursor string, fetch func(cursor string) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for cursor := cursor; ; {
			page, err := fetch(cursor)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range page.Data {
				if !yield(item, nil) {
					return
				}
			}
			if !page.HasMore {
				return
			}
			if page.NextCursor == "" || page.NextCursor == cursor {
				yield(none, errors.New("platform: a page says has_more without a new next_cursor: the list is incomplete"))
				return
			}
			cursor = page.NextCursor
		}
	}
}
