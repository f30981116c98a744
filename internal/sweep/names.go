package sweep

import (
	"strconv"
	"strings"
)

// replayPrefix begins the ID of a workflow that applies an ended event again. IDs from outside never begin with it.
const replayPrefix = "inorder-replay-"

// ReplayID returns the ID of the workflow of an event's nth replay.
func ReplayID(eventID string, n int) string { return replayPrefix + eventID + "-" + strconv.Itoa(n) }

// EventID returns the ID of a workflow's event, be it the event's own workflow or a replay.
func EventID(workflowID string) string {
	rest, isReplay := strings.CutPrefix(workflowID, replayPrefix)
	if at := strings.LastIndexByte(rest, '-'); isReplay && at > 0 {
		return rest[:at]
	}
	return workflowID
}
