// Package inorder keeps an orders table that is always right, whatever the network did to the webhooks that feed it.
//
// The life of one event:
//
//   - The platform POSTs it. Package receiver verifies the signature over the raw bytes and lets [ParseEvent] read
//     the envelope. A bad delivery ends here.
//   - The receiver starts a Temporal workflow whose ID is the event's ID, and answers 200 once Temporal has it on
//     disk. The same event delivered again finds the ID taken and is answered as a duplicate.
//   - The workflow, workflows.ProcessEvent, runs activities.ApplyEvent, which calls store.Apply. In one PostgreSQL transaction,
//     for this event or for many, it takes the order's lock and reads whether the event has ended and what is known of its order.
//   - [Event.Change] reads what the event says about its order, and [Order.Apply] decides, without a clock and
//     without I/O, what is newer than what is known. Both are pure, and both are here.
//   - The same transaction writes the new order and the event's row in webhook_events: all of it or none.
//   - If the order is missing, the event is written to pending_events instead, and its workflow waits. Once order.created
//     has committed, its workflow signals every event that waits for that order.
//   - What the network lost is fetched. An event that has waited for long asks the platform for its order, and a scheduled
//     workflow compares orders with the platform's. What they find becomes an event, [TypeReconciled], and goes the same way.
//   - An event that can't be applied is parked with its reason, also in pending_events, where an operator retries or discards
//     it by a signal. An event that lost its workflow gets a new one from its row, by a schedule or by `inorder recover`.
//
// This package is the domain: it uses only the standard library, and nothing in it can fail for a reason outside the event.
package inorder
