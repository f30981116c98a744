-- +goose Up

-- Who did what to what, when, why and with what result. It says nothing of what is in events or orders. Rows are only ever added.
CREATE TABLE audit_log (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text        NOT NULL, -- the name of a token; of what was done in Temporal, the identity that Temporal tells
    action   text        NOT NULL, -- retry, discard, replay, amend, bulk, stop, cancel
    event_id varchar(64),
    order_id text,
    bulk_id  text,                 -- the bulk action that it was a part of
    via      text        NOT NULL CONSTRAINT audit_log_via CHECK (via IN ('api', 'temporal')),
    reason   text        NOT NULL DEFAULT '',
    result   text        NOT NULL, -- what it did, and of a replay how the event had ended before
    act_id   text        UNIQUE    -- of an act that may be recorded twice: the second time finds the row
);

CREATE INDEX audit_log_event_id ON audit_log (event_id, id) WHERE event_id IS NOT NULL;
CREATE INDEX audit_log_order_id ON audit_log (order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX audit_log_actor ON audit_log (actor, id);

-- +goose StatementBegin
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd

CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

-- What was answered to a POST with an Idempotency-Key, for a day. A row without a status is of one that runs, until its lease ends.
CREATE TABLE idempotency_keys (
    actor        text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL, -- SHA-256 of method, path and body
    lease_until  timestamptz,
    status       integer,
    content_type text,
    response     bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor, key)
);

CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Bulk actions, and the events of each, which are fixed when it begins. The action itself is a workflow under the same ID.
CREATE TABLE bulks (
    id         text        PRIMARY KEY,
    name       text        NOT NULL,
    action     text        NOT NULL CONSTRAINT bulks_action CHECK (action IN ('retry', 'discard', 'replay')),
    filter     jsonb       NOT NULL,
    reason     text        NOT NULL,
    actor      text        NOT NULL,
    rate       integer     NOT NULL CONSTRAINT bulks_rate CHECK (rate > 0), -- events per second
    total      integer     NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    ending     text        CONSTRAINT bulks_ending CHECK (ending IN ('done', 'stopped'))
);

CREATE TABLE bulk_events (
    bulk_id  text        NOT NULL REFERENCES bulks (id) ON DELETE CASCADE,
    place    integer     NOT NULL, -- 1 is the first
    event_id varchar(64) NOT NULL,
    done_at  timestamptz,
    failed   boolean     NOT NULL DEFAULT false,
    result   text        NOT NULL DEFAULT '', -- what was done, or why it could not be
    PRIMARY KEY (bulk_id, place)
);

CREATE INDEX bulk_events_open ON bulk_events (bulk_id, place) WHERE done_at IS NULL;
CREATE INDEX bulk_events_failed ON bulk_events (bulk_id, place) WHERE failed;

-- What all processes together took and ended, by the minute, for two hours; and when an event of each family last came.
CREATE TABLE traffic_minutes (
    minute  timestamptz NOT NULL,
    process uuid        NOT NULL, -- made up at its start, so that no two processes write the same row
    kind    text        NOT NULL CONSTRAINT traffic_minutes_kind CHECK (kind IN ('delivery', 'end')),
    name    text        NOT NULL, -- of a delivery its result, of an end its outcome
    count   bigint      NOT NULL,
    PRIMARY KEY (minute, process, kind, name)
);

CREATE TABLE last_events (
    family text        PRIMARY KEY,
    at     timestamptz NOT NULL
);

-- An event that is replayed, and then waits for its order, has a workflow under another ID than its own. NULL for its own.
ALTER TABLE pending_events
    ADD COLUMN workflow_id varchar(128),
    ADD COLUMN amended_at  timestamptz; -- when a person last corrected the body

-- The indexes for lists, on tables that may be large, are made by 0014, which blocks no writes. An earlier text of this file made them here.

-- +goose Down
DROP INDEX IF EXISTS orders_number_prefix;
DROP INDEX IF EXISTS orders_id_prefix;
DROP INDEX IF EXISTS orders_updated_at;
DROP INDEX IF EXISTS webhook_events_outcome;
DROP INDEX IF EXISTS webhook_events_received_at;
DROP INDEX IF EXISTS event_inbox_received_at;
DROP INDEX IF EXISTS pending_events_phase;
ALTER TABLE pending_events DROP COLUMN amended_at, DROP COLUMN workflow_id;
DROP TABLE last_events;
DROP TABLE traffic_minutes;
DROP TABLE bulk_events;
DROP TABLE bulks;
DROP TABLE idempotency_keys;
DROP TABLE audit_log;
DROP FUNCTION audit_log_is_append_only();
