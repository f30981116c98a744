-- +goose Up

-- When each of the jobs that a schedule starts last succeeded, whichever process ran it.
CREATE TABLE jobs (
    name            text        PRIMARY KEY, -- purge, sweep, reconcile, check_subscription
    last_success_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE jobs;
