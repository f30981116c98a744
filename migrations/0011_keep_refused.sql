-- +goose Up

-- Samples of deliveries that were refused, and why. Rows are bounded in number (internal/refused) and in size (here): strangers write them, in a way. There is neither
-- a body nor a signature nor a secret in here, and no personal data of the platform's customers.
CREATE TABLE refused_deliveries (
    id               bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at               timestamptz NOT NULL, -- when it came
    reason           text        NOT NULL CONSTRAINT refused_deliveries_reason CHECK (reason IN ('bad_signature', 'bad_event', 'too_large', 'unavailable')),
    status           integer     NOT NULL, -- that it was answered
    evidence         text        NOT NULL CONSTRAINT refused_deliveries_evidence CHECK (evidence IN ('secret', 'address', 'none')),
    client           text        NOT NULL, -- the address that it came from, as far as TRUSTED_PROXIES let it be told
    network          text        NOT NULL, -- what counts as one address: of IPv6 a /64
    causes           text[]      NOT NULL, -- what is wrong with it, the most important first
    secret_name      text        NOT NULL DEFAULT '', -- of the secret that made the signature
    secret_source    text        NOT NULL DEFAULT '', -- its webhook's ID, or the setting that it came from
    summary          text        NOT NULL,
    advice           text        NOT NULL,
    bytes            bigint,               -- of the body
    body_hash        bytea,                -- SHA-256 of it
    content_type     text        NOT NULL DEFAULT '',
    content_encoding text        NOT NULL DEFAULT '',
    user_agent       text        NOT NULL DEFAULT '',
    header_names     text[]      NOT NULL DEFAULT '{}',
    event_id         varchar(64),          -- what the body says that it is
    type             varchar(128),
    order_id         varchar(64),
    CONSTRAINT refused_deliveries_size CHECK (
        octet_length(client) + octet_length(network) + octet_length(causes::text) + octet_length(secret_name) + octet_length(secret_source) + octet_length(summary)
        + octet_length(advice) + octet_length(content_type) + octet_length(content_encoding) + octet_length(user_agent) + octet_length(header_names::text) <= 6144)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500); -- rows come and go while somebody floods

-- Lists, newest first, all or of one reason.
CREATE INDEX refused_deliveries_at ON refused_deliveries (at, id);
CREATE INDEX refused_deliveries_reason ON refused_deliveries (reason, at, id);

-- +goose Down
DROP TABLE refused_deliveries;
