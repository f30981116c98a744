-- +goose Up

-- When a full order last listed all parts of a kind. A part that its event told without an ID, and which is therefore
-- keyed by that event (id = event_id), counts only while it is newer: an older one is in the list under its own ID, or is not one.
ALTER TABLE orders
    ADD COLUMN payments_listed_at     timestamptz,
    ADD COLUMN fulfillments_listed_at timestamptz,
    ADD COLUMN refunds_listed_at      timestamptz,
    ADD COLUMN returns_listed_at      timestamptz;

CREATE OR REPLACE VIEW order_refunds AS
SELECT p.order_id, p.currency, sum(p.amount)::bigint AS refunded_amount, count(*) AS refunds
FROM order_parts p JOIN orders o ON o.id = p.order_id
WHERE p.kind = 'refund' AND p.status = 'completed'
  AND (p.id <> p.event_id OR o.refunds_listed_at IS NULL OR p.last_webhook_at > o.refunds_listed_at)
GROUP BY p.order_id, p.currency;

-- +goose Down
CREATE OR REPLACE VIEW order_refunds AS
SELECT order_id, currency, sum(amount)::bigint AS refunded_amount, count(*) AS refunds
FROM order_parts
WHERE kind = 'refund' AND status = 'completed'
GROUP BY order_id, currency;
ALTER TABLE orders
    DROP COLUMN returns_listed_at,
    DROP COLUMN refunds_listed_at,
    DROP COLUMN fulfillments_listed_at,
    DROP COLUMN payments_listed_at;
