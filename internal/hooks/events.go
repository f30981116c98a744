package hooks

import (
	"fmt"
	"slices"
	"strings"

	"inorder/internal/sample"
)

// OrderEvents are all known types of the families that say something about orders.
func OrderEvents() []string {
	return slices.DeleteFunc(sample.Types(), func(t string) bool {
		family, _, _ := strings.Cut(t, ".")
		return !slices.Contains([]string{"order", "payment", "fulfillment", "refund", "return"}, family)
	})
}

// CheckEvents says of the first name that the platform is not known to have, and what may have been meant. The list of known
// names is open, so a person may know better.
func CheckEvents(events []string) error {
	if len(events) == 0 {
		return fmt.Errorf("no event is named; for example order.created,order.paid or '*' for all")
	}
	known := sample.Types()
	for _, e := range events {
		switch {
		case e == "*" || slices.Contains(known, e):
		case strings.HasSuffix(e, ".*"):
			return fmt.Errorf("%q: that the platform takes a whole family is not documented; name its events, or '*' for all; --force sends it as it is", e)
		default:
			hint := ""
			if near := near(e, known); len(near) > 0 {
				hint = "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return fmt.Errorf("%q is not an event that the platform is known to have%s `inorder send --list` lists them; --force sends it as it is", e, or(hint, ";"))
		}
	}
	return nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// near gives the known names that differ the least, if that is by three slips or fewer.
func near(name string, known []string) (nearest []string) {
	least := 3
	for _, k := range known {
		switch d := distance(strings.ToLower(name), k); {
		case d < least:
			least, nearest = d, []string{k}
		case d == least:
			nearest = append(nearest, k)
		}
	}
	return nearest
}

// distance is how many letters must be put in, left out or replaced (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
