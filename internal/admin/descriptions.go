package admin

import "github.com/danielgtaylor/huma/v2"

// descriptions have, by operation ID, what a request's summary has no room for.
var descriptions = map[string]string{
	"status":        "How many events are in each state and since when, what was delivered and ended in the last hour, which server fails and, in words, what needs a person. It answers even while servers are down, and says what is missing.",
	"orders":        "The orders that match all parameters.",
	"order":         "Its statuses with the events that set them, its parts, and the latest full order.",
	"timeline":      "It includes events that have not ended. The order need not exist.",
	"blocked":       "Its events in the inbox, waiting, in attention or being retried, and who holds its lock. The order need not exist.",
	"events":        "The events that match all parameters, by the time they were received. Events that are being applied come from Temporal.",
	"event":         "Why it is where it is, what happened to it, and what can be done to it now. The payload may hold personal data.",
	"retry":         "Only the time of the next attempt changes, and a retry may be repeated. An event that lost its workflow gets a new one.",
	"discard":       "The event is recorded as discarded, with its payload, the reason and who did it. A replay undoes that.",
	"replay":        "The event is processed like any other, in a workflow of its own. The audit keeps how it had ended before.",
	"amend":         "The event keeps its ID. Its workflow restarts with the corrected body.",
	"bulk":          "The set of events is fixed when the bulk action begins. A dry run returns their number, the first ten, and a filter and a set: post both back, so that no other events are acted on.",
	"bulk-progress": "It includes the first hundred events that could not be acted on.",
	"bulk-events":   "The events in the order of their place in the bulk action.",
	"bulk-stop":     "A stopped bulk action can't be resumed: start another one with the same filter for what is left.",
	"refusals":      "For each reason and address only a few are kept, because strangers can send any number.",
	"refused":       "Of the body it has only what identifies the event, and it has neither the signature nor a secret.",
	"audit":         "Rows are only ever added. Actions in Temporal are included as far as the workflow saw them.",
}

// describe completes the document: huma describes no bodies of requests, and no field that refers to a schema of its own.
func describe(o *huma.OpenAPI) {
	for _, item := range o.Paths {
		if item.Post != nil && item.Post.RequestBody != nil {
			item.Post.RequestBody.Description = "What to do, and why. A field that is unknown, or given twice, is refused."
		}
	}
	for _, s := range o.Components.Schemas.Map() {
		for name, field := range s.Properties {
			if field.Ref != "" && field.Description != "" {
				s.Properties[name] = &huma.Schema{AllOf: []*huma.Schema{{Ref: field.Ref}}, Description: field.Description}
			}
		}
	}
}
