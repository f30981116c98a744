-- +goose Up

-- SHA-256 of the body as received: an event that is delivered again with another body is noticed. NULL in older rows.
ALTER TABLE webhook_events ADD COLUMN body_hash bytea;

-- +goose Down
ALTER TABLE webhook_events DROP COLUMN body_hash;
