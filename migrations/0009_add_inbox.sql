-- +goose Up

-- Events that were acknowledged while Temporal was away, slow or full. They are durable from this row on, and leave it when
-- they have ended or Temporal has their workflow.
CREATE TABLE event_inbox (
    event_id    varchar(64) PRIMARY KEY,
    order_id    text,                              -- of which order it speaks, where that can be told; so its creation makes it due
    body        bytea       NOT NULL,              -- as received
    received_at timestamptz NOT NULL,
    not_before  timestamptz NOT NULL,              -- when it is tried next
    attempts    integer     NOT NULL DEFAULT 0,    -- tries that did not end it
    reason      text        NOT NULL DEFAULT ''    -- why the last one did not
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000); -- rows live for milliseconds

-- What the drainer walks.
CREATE INDEX event_inbox_not_before ON event_inbox (not_before);
-- "Which events wait for this order here?"
CREATE INDEX event_inbox_order_id ON event_inbox (order_id) WHERE order_id IS NOT NULL;

-- When the delivery came that the row is of. NULL in rows of older programs.
ALTER TABLE webhook_events ADD COLUMN received_at timestamptz;

-- +goose Down
ALTER TABLE webhook_events DROP COLUMN received_at;
DROP TABLE event_inbox;
