-- +goose Up

-- Who wrote the row: the event's own workflow, or the inbox, which applies many events in one transaction while Temporal is slow
-- or away. Without it nobody could tell why an event has no workflow to look at. Programs of before the inbox write none, and
-- are workflows. NOT VALID, so that the table is not read while it is locked: the rows that are there have the default.
ALTER TABLE webhook_events ADD COLUMN via text NOT NULL DEFAULT 'workflow';
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_via CHECK (via IN ('workflow', 'inbox')) NOT VALID;

-- +goose Down
ALTER TABLE webhook_events DROP COLUMN via;
