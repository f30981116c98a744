-- +goose NO TRANSACTION
-- +goose Up

-- Indexes on tables that may be large, built while events are written. Where 0010 made them already, there is nothing to do. A build that was
-- cut off leaves an index that is invalid, and that IF NOT EXISTS would take for one: it goes first.
-- +goose StatementBegin
DO $$
DECLARE
    broken regclass;
BEGIN
    PERFORM set_config('lock_timeout', '10s', true);
    FOR broken IN
        SELECT indexrelid FROM pg_index WHERE NOT indisvalid AND indexrelid IN (
            SELECT to_regclass(name) FROM unnest(ARRAY['pending_events_phase', 'event_inbox_received_at', 'webhook_events_received_at',
                'webhook_events_outcome', 'orders_updated_at', 'orders_id_prefix', 'orders_number_prefix']) AS name)
    LOOP
        EXECUTE format('DROP INDEX %s', broken);
    END LOOP;
END $$;
-- +goose StatementEnd

-- Lists for operators, newest first; and how many stand where, since when. Only times: rows of one time are few, and are sorted by the bytes of their IDs.
CREATE INDEX CONCURRENTLY IF NOT EXISTS pending_events_phase ON pending_events (phase, received_at);
CREATE INDEX CONCURRENTLY IF NOT EXISTS event_inbox_received_at ON event_inbox (received_at);
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_received_at ON webhook_events ((coalesce(received_at, processed_at)));
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_outcome ON webhook_events (outcome, (coalesce(received_at, processed_at))) WHERE outcome <> 'applied';
-- Of orders one statement may have changed all, which then have one time.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_updated_at ON orders (updated_at, id COLLATE "C");
-- "Which orders begin so?"
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_id_prefix ON orders (id text_pattern_ops);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_number_prefix ON orders (number text_pattern_ops) WHERE number IS NOT NULL;

-- +goose Down
DROP INDEX IF EXISTS orders_number_prefix;
DROP INDEX IF EXISTS orders_id_prefix;
DROP INDEX IF EXISTS orders_updated_at;
DROP INDEX IF EXISTS webhook_events_outcome;
DROP INDEX IF EXISTS webhook_events_received_at;
DROP INDEX IF EXISTS event_inbox_received_at;
DROP INDEX IF EXISTS pending_events_phase;
