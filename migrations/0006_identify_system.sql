-- +goose Up

-- Which system this database is: the Temporal namespace that belongs to it is marked with the ID. A copy of the database is
-- the same system, and needs a namespace of its own all the same.
CREATE TABLE system_identity (
    id      uuid    NOT NULL DEFAULT gen_random_uuid(),
    the_one boolean PRIMARY KEY DEFAULT true CONSTRAINT system_identity_is_one_row CHECK (the_one)
);
INSERT INTO system_identity DEFAULT VALUES;

-- +goose Down
DROP TABLE system_identity;
