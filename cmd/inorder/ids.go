package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var idForm = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// The lengths of IDs, in characters.
const (
	longestEventID = 64
	longestOrderID = 255
	longestBulkID  = 128
)

// checkEventIDs returns an error for a text that can't be an event's ID, so that no server is asked for it.
func checkEventIDs(ids ...string) error {
	for _, id := range ids {
		if !idForm.MatchString(id) || len(id) > longestEventID {
			return fmt.Errorf("%s can't be an event's ID, which has 1 to %d of the characters A-Z a-z 0-9 . _ : -", quoted(line(id)), longestEventID)
		}
	}
	return nil
}

func checkBulkID(id string) error {
	if !idForm.MatchString(id) || len(id) > longestBulkID {
		return fmt.Errorf("%s can't be a bulk action's ID, which begins with inorder-bulk-", quoted(line(id)))
	}
	return nil
}

// checkOrderID returns an error for a text that can't be an order's ID. The platform decides what those look like.
func checkOrderID(id string) error {
	if strings.TrimSpace(id) == "" || utf8.RuneCountInString(id) > longestOrderID || strings.ContainsFunc(id, unicode.IsControl) {
		return fmt.Errorf("%s can't be an order's ID, which has 1 to %d characters in one line", quoted(line(id)), longestOrderID)
	}
	return nil
}

// optional checks a flag that may be missing.
func optional(value string, check func(string) error) error {
	if value == "" {
		return nil
	}
	return check(value)
}

func (c *ordersShowCmd) Validate() error {
	return errors.Join(checkOrderID(c.ID), c.outputFlags.Validate())
}

func (c *ordersTimelineCmd) Validate() error {
	return errors.Join(checkOrderID(c.ID), c.pageFlags.Validate())
}

func (c *ordersBlockedCmd) Validate() error {
	return errors.Join(checkOrderID(c.ID), c.outputFlags.Validate())
}

func (c *bulkShowCmd) Validate() error {
	return errors.Join(checkBulkID(c.ID), c.outputFlags.Validate())
}

func (c *bulkStopCmd) Validate() error { return checkBulkID(c.ID) }

func (c *eventsAmendCmd) Validate() error { return checkEventIDs(c.ID) }

func (c *auditCmd) Validate() error {
	return errors.Join(optional(c.Event, func(id string) error { return checkEventIDs(id) }), optional(c.Order, checkOrderID), c.pageFlags.Validate())
}
