package chaos

import (
	"maps"
	"slices"
)

// Plants returns the names, sorted, of the damage that a test can do directly to the tables to check that the checker finds it.
func Plants() []string { return slices.Sorted(maps.Keys(plants)) }

var plants = map[string]string{
	"lost": `DELETE FROM webhook_events WHERE event_id = (SELECT min(event_id) FROM webhook_events WHERE outcome = 'applied')`,

	"double": `INSERT INTO order_parts (kind, id, order_id, status, amount, currency, data, event_id, last_webhook_at)
		SELECT kind, id || '-again', order_id, status, amount, currency, data, event_id, last_webhook_at
		FROM order_parts WHERE kind = 'refund' AND status = 'completed' AND amount IS NOT NULL ORDER BY id LIMIT 1`,

	"wrong": `UPDATE orders SET status = CASE status WHEN 'pending' THEN 'confirmed' ELSE 'pending' END, status_at = coalesce(status_at, now())
		WHERE id = (SELECT min(id) FROM orders)`,

	"never": `DELETE FROM orders WHERE id = (SELECT min(id) FROM orders)`,

	"given-up": `UPDATE webhook_events SET outcome = 'discarded' WHERE event_id = (SELECT min(event_id) FROM webhook_events WHERE outcome = 'applied')`,
}
