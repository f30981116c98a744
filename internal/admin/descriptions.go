package admin

import "github.com/danielgtaylor/huma/v2"

// descriptions have, by operation ID, what a request's summary has no room for.
var descriptions = map[string]string{
	"status":        "What stands where and since when, what was delivered and ended in the last hour, which server fails, and in words what needs a person. It answers while servers are down, and says what is missing.",
	"orders":        "The orders that all parameters select.",
	"order":         "Its statuses with the events that set them, its parts, and the latest full order.",
	"timeline":      "Those that have not ended, too. The order need not exist.",
	"blocked":       "Its events in the inbox, waiting, in attention or being retried, and who holds its lock. The order need not exist.",
	"events":        "The events that all parameters select, by the time of their receipt. Those that are being applied come from Temporal.",
	"event":         "Why it is where it is, what happened to it, and what can be done to it now. The payload may hold personal data.",
	"retry":         "It changes nothing but the time of the next attempt, and may be done again. An event that lost its workflow gets a new one.",
	"discard":       "It is recorded as discarded, with its payload, the reason and who did it. A replay undoes that.",
	"replay":        "It goes the same way as any event, in a workflow of its own. The audit keeps how it had ended before.",
	"amend":         "The ID stays. Its workflow begins anew with the corrected body.",
	"bulk":          "The set of events is fixed when it begins. A dry run answers what it would be, with a filter and a set to post back, so that nothing else is acted on.",
	"bulk-progress": "With the first hundred events that it could not act on.",
	"bulk-events":   "By their place in the bulk action.",
	"bulk-stop":     "It can't be started again: the same filter begins another one with what is left.",
	"refusals":      "Of each reason and address a few are kept, not each one: strangers can send any number.",
	"refused":       "It has nothing of the body but what names the event, and neither the signature nor a secret.",
	"audit":         "Rows are only ever added. What was done in Temporal is there as far as the workflow saw it.",
}

// describe completes the document: huma describes no bodies of requests, and no field that refers to a schema of its own.
func describe(o *huma.OpenAPI) {
	for _, item := range o.Paths {
		if item.Post != nil && item.Post.RequestBody != nil {
			item.Post.RequestBody.Description = "What to do, and why. A field that is not known, or is there twice, is refused."
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
