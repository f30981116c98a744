-- +goose Up

-- Until when the endpoint of an `inorder listen` is taken to be alive. It is in the webhook's metadata, too, but whether the
-- platform keeps those is not documented.
ALTER TABLE webhook_endpoints ADD COLUMN lease_until timestamptz;

-- +goose Down
ALTER TABLE webhook_endpoints DROP COLUMN lease_until;
