-- +goose Up

-- The webhooks that we registered on the platform. The watchdog compares them with what the platform has.
CREATE TABLE webhook_endpoints (
    id            text        PRIMARY KEY, -- the platform's
    url           text        NOT NULL,
    events        text[]      NOT NULL,
    mode          text        NOT NULL CONSTRAINT webhook_endpoints_mode CHECK (mode IN ('live', 'test')),
    owner         text        NOT NULL DEFAULT '', -- of `inorder listen`, whose endpoints end with it; '' for lasting ones
    is_active     boolean     NOT NULL, -- as it should be: one that was disabled on purpose is no fault
    registered_at timestamptz NOT NULL DEFAULT now()
);

-- The secrets that verify deliveries, and when each was last of use. Those that the platform showed when a webhook was
-- registered are kept here, where every receiver finds them; of those that a receiver has from its environment or from a
-- file there is only the name.
CREATE TABLE webhook_secrets (
    name             text        PRIMARY KEY, -- a part of a hash of the secret, which may be shown
    secret           text,
    source           text        NOT NULL, -- the endpoint's ID, or the setting that it came from
    endpoint_id      text,                 -- not a reference: a secret outlives its endpoint, for deliveries under way
    created_at       timestamptz NOT NULL DEFAULT now(),
    ends_at          timestamptz,          -- no delivery is verified by it from then on; NULL for no end
    last_verified_at timestamptz
);

-- +goose Down
DROP TABLE webhook_secrets;
DROP TABLE webhook_endpoints;
