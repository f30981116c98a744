package view

import (
	"cmp"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"inorder/internal/api"
)

// ErrCursor says that a cursor is not one that a list gave.
var ErrCursor = errors.New("it is not a cursor of this list; leave it out to start with the first page")

// Position is the place of a row in a list that is sorted by time and ID. A page begins after a Position. The zero
// Position is before all rows. Times are to the microsecond, as in PostgreSQL; IDs are compared byte by byte.
type Position struct {
	At time.Time
	ID string
}

// positionOf returns where an event is in the lists of events.
func positionOf(e api.Event) Position {
	return Position{e.ReceivedAt.Truncate(time.Microsecond), e.EventID}
}

// Cursor returns the position as clients carry it; "" for the zero Position.
func (p Position) Cursor() string {
	if p == (Position{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.At.UnixMicro(), 36) + " " + p.ID))
}

// ParseCursor reads a cursor; "" is the zero Position. Its only error is ErrCursor.
func ParseCursor(cursor string) (Position, error) {
	if cursor == "" {
		return Position{}, nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	at, id, cut := strings.Cut(string(text), " ")
	us, notANumber := strconv.ParseInt(at, 36, 64)
	p := Position{time.UnixMicro(us).UTC(), id}
	if err != nil || !cut || notANumber != nil || p.Cursor() != cursor || !storable(id) || us < minTime || us > maxTime {
		return Position{}, ErrCursor
	}
	return p, nil
}

// The range of times that PostgreSQL supports, in microseconds since 1970.
var (
	minTime = time.Date(-4712, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	maxTime = time.Date(290000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
)

// storable reports whether PostgreSQL accepts s as text.
func storable(s string) bool { return strings.ToValidUTF8(s, "") == s && !strings.ContainsRune(s, 0) }

// compare is negative if p is before other in a list that has the newest first.
func (p Position) compare(other Position) int {
	return cmp.Or(other.At.Compare(p.At), strings.Compare(other.ID, p.ID))
}

// After reports whether p comes after other in a list.
func (p Position) After(other Position) bool { return p.compare(other) > 0 }

// between returns the arguments @at, @id and @since of a list that goes on after a position, includes the time since
// and excludes the time before. A zero time is no bound.
func between(after Position, since, before time.Time) pgx.NamedArgs {
	at := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	from := pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	if !before.IsZero() && (after == (Position{}) || !after.At.Before(before)) {
		after = Position{At: before}
	}
	if after != (Position{}) {
		at = pgtype.Timestamptz{Time: after.At, Valid: true}
	}
	if !since.IsZero() {
		from = pgtype.Timestamptz{Time: since, Valid: true}
	}
	return pgx.NamedArgs{"at": at, "id": after.ID, "since": from}
}

// Found is what one source of a list of events has, newest first.
type Found struct {
	Events []api.Event
	// Looked is how far the source was read: down to and including this place, Events is complete. The zero Position
	// says that there is nothing more at all.
	Looked Position
}

// Merge returns a page of the newest events of several sources. What a source has after its Looked is not known, so
// the page ends at the first Looked, even if other sources have more.
func Merge(limit int, sources ...Found) api.Page[api.Event] {
	return merge(limit, positionOf, Position{}, sources)
}

// merge is Merge for a list sorted by place. It leaves out what is not after a position.
func merge(limit int, place func(api.Event) Position, after Position, sources []Found) api.Page[api.Event] {
	var end Position // the first place up to which some source was read
	all := []api.Event{}
	for _, s := range sources {
		all = append(all, s.Events...)
		if s.Looked != (Position{}) && (end == (Position{}) || s.Looked.compare(end) < 0) {
			end = s.Looked
		}
	}
	all = slices.DeleteFunc(all, func(e api.Event) bool {
		p := place(e)
		return after != (Position{}) && p.compare(after) <= 0 || end != (Position{}) && p.compare(end) > 0
	})
	slices.SortStableFunc(all, func(a, b api.Event) int { return place(a).compare(place(b)) })
	if len(all) > limit {
		all = all[:limit]
		end = place(all[limit-1])
	}
	return api.Page[api.Event]{Data: all, NextCursor: end.Cursor()}
}
