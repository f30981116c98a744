-- +goose Up

-- Events in attention are rows, too, so that what loses its workflow in Temporal is brought back from here. Of such an
-- event there may be no order, no time and no payload that PostgreSQL takes; its body is always kept.
ALTER TABLE pending_events
    ALTER COLUMN order_id DROP NOT NULL,
    ALTER COLUMN payload DROP NOT NULL,
    ALTER COLUMN occurred_at DROP NOT NULL,
    ADD COLUMN body    bytea,                              -- as received; NULL in rows of older programs
    ADD COLUMN detail  text        NOT NULL DEFAULT '',    -- why it needs attention
    ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now(), -- when its workflow last looked
    ADD COLUMN retried_at timestamptz,                     -- when a person last said "retry"
    DROP CONSTRAINT pending_events_phase,
    ADD CONSTRAINT pending_events_phase CHECK (phase IN ('waiting', 'stuck', 'attention')),
    ADD CONSTRAINT pending_events_waits_for_an_order
        CHECK (phase = 'attention' OR order_id IS NOT NULL AND payload IS NOT NULL AND occurred_at IS NOT NULL);

-- What a release walks, oldest first, a page at a time; and "what holds this order up?"
DROP INDEX pending_events_order_id;
CREATE INDEX pending_events_order_id ON pending_events (order_id, occurred_at, received_at, event_id);
-- What the sweep walks: waiting events that no workflow has looked at for long, and the few in attention.
CREATE INDEX pending_events_seen_at ON pending_events (seen_at, event_id) WHERE phase <> 'attention';
CREATE INDEX pending_events_attention ON pending_events (event_id) WHERE phase = 'attention';

-- +goose Down
DELETE FROM pending_events WHERE phase = 'attention';
DROP INDEX pending_events_attention;
DROP INDEX pending_events_seen_at;
DROP INDEX pending_events_order_id;
CREATE INDEX pending_events_order_id ON pending_events (order_id);
ALTER TABLE pending_events
    DROP CONSTRAINT pending_events_waits_for_an_order,
    DROP CONSTRAINT pending_events_phase,
    ADD CONSTRAINT pending_events_phase CHECK (phase IN ('waiting', 'stuck')),
    DROP COLUMN retried_at,
    DROP COLUMN seen_at,
    DROP COLUMN detail,
    DROP COLUMN body,
    ALTER COLUMN occurred_at SET NOT NULL,
    ALTER COLUMN payload SET NOT NULL,
    ALTER COLUMN order_id SET NOT NULL;
