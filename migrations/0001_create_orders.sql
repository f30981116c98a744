-- +goose Up

-- Every event that came to an end, once. Its row is written in the transaction that has the effect, so the primary
-- key is what guarantees one effect per event, for as long as rows are kept (EVENT_RETENTION).
CREATE TABLE webhook_events (
    event_id     varchar(64)  PRIMARY KEY,
    type         varchar(128) NOT NULL,
    order_id     text,
    outcome      text         NOT NULL CONSTRAINT webhook_events_outcome
                 CHECK (outcome IN ('applied', 'stale', 'ignored', 'discarded', 'expired')),
    detail       text         NOT NULL DEFAULT '',
    occurred_at  timestamptz, -- the platform's created_at, where it had one
    processed_at timestamptz  NOT NULL DEFAULT now(),
    payload      jsonb        NOT NULL -- the whole envelope
);

-- What the purge walks, oldest first.
CREATE INDEX webhook_events_processed_at ON webhook_events (processed_at);
-- "What happened to this order?"
CREATE INDEX webhook_events_order_id ON webhook_events (order_id) WHERE order_id IS NOT NULL;

-- One row per order. Each aspect carries the time of the event that set it; older never overwrites newer.
CREATE TABLE orders (
    id                 text PRIMARY KEY CONSTRAINT orders_id_not_empty CHECK (id <> ''),
    store_id           text,
    number             text,
    status             text,
    payment_status     text,
    fulfillment_status text,
    total_amount       bigint, -- minor units of currency
    currency           text,
    data               jsonb       NOT NULL, -- the latest full snapshot; store_id, number and total are its
    status_at          timestamptz,
    payment_at         timestamptz,
    fulfillment_at     timestamptz,
    data_at            timestamptz NOT NULL,
    data_rank          integer     NOT NULL, -- with data_event_id, decides between snapshots of the same time
    data_event_id      varchar(64) NOT NULL,
    last_webhook_at    timestamptz NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT orders_status_has_time CHECK ((status IS NULL) = (status_at IS NULL)),
    CONSTRAINT orders_payment_has_time CHECK ((payment_status IS NULL) = (payment_at IS NULL)),
    CONSTRAINT orders_fulfillment_has_time CHECK ((fulfillment_status IS NULL) = (fulfillment_at IS NULL))
);

-- Payments, fulfillments, refunds and returns. They add up, so each is a row of its own and no sum is stored.
CREATE TABLE order_parts (
    kind            text        NOT NULL CONSTRAINT order_parts_kind
                    CHECK (kind IN ('payment', 'fulfillment', 'refund', 'return')),
    id              text        NOT NULL,
    order_id        text        NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    status          text,
    amount          bigint, -- minor units of currency
    currency        text,
    data            jsonb       NOT NULL,
    event_id        varchar(64) NOT NULL, -- the event that set it
    last_webhook_at timestamptz NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE INDEX order_parts_order_id ON order_parts (order_id);

-- What was refunded, by order and currency.
CREATE VIEW order_refunds AS
SELECT order_id, currency, sum(amount)::bigint AS refunded_amount, count(*) AS refunds
FROM order_parts
WHERE kind = 'refund' AND status = 'completed'
GROUP BY order_id, currency;

-- Events that wait for their order. Written under the order's lock, so that none can be overlooked by the event
-- that creates it; the waiting itself is a Temporal workflow.
CREATE TABLE pending_events (
    event_id    varchar(64)  PRIMARY KEY,
    order_id    text         NOT NULL,
    type        varchar(128) NOT NULL,
    payload     jsonb        NOT NULL,
    occurred_at timestamptz  NOT NULL,
    received_at timestamptz  NOT NULL,
    phase       text         NOT NULL CONSTRAINT pending_events_phase CHECK (phase IN ('waiting', 'stuck'))
);

CREATE INDEX pending_events_order_id ON pending_events (order_id);

-- +goose Down
DROP TABLE pending_events;
DROP VIEW order_refunds;
DROP TABLE order_parts;
DROP TABLE orders;
DROP TABLE webhook_events;
