package standin

import (
	"net/url"
	"strconv"
)

const (
	defaultLimit = 20
	maxLimit     = 100
)

// listing is one page of a list, as the platform answers it.
type listing struct {
	Data       []any   `json:"data"`
	HasMore    bool    `json:"has_more"`
	NextCursor *string `json:"next_cursor"` // the ID of the page's last item
	TotalCount *int    `json:"total_count,omitempty"`
}

// paginate returns the page that query asks for, newest first, of the items that keep selects, and the number of all those.
// The cursor may be an item that keep no longer selects. So changes between two pages make no item missing or repeated.
func paginate[T any](oldestFirst []T, query url.Values, id func(T) string, keep func(T) bool) (page listing, total int, err error) {
	limit := defaultLimit
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			return page, 0, invalid("limit", "limit must be an integer from 1 to 100")
		}
	}
	cursor := query.Get("starting_after")
	before := cursor == ""
	page.Data = []any{}
	last := ""
	for i := len(oldestFirst) - 1; i >= 0; i-- {
		item := oldestFirst[i]
		wanted := keep(item)
		if wanted {
			total++
		}
		switch {
		case !before:
			before = id(item) == cursor
		case !wanted:
		case len(page.Data) == limit:
			page.HasMore = true
		default:
			page.Data = append(page.Data, item)
			last = id(item)
		}
	}
	if !before {
		return page, 0, invalid("starting_after", "starting_after is not the ID of an item of this list")
	}
	if page.HasMore {
		page.NextCursor = &last
	}
	return page, total, nil
}
