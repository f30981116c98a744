-- The roles and databases of docker-compose.yml's PostgreSQL, made by a superuser. inorder_owner owns the orders' database and its
-- tables, and is the role of `inorder migrate` alone. inorder is the role of all other commands: it owns nothing, so it can't change or
-- delete what the audit has. temporal owns Temporal's own two databases. None is a superuser, and none can enter the others'
-- databases. It may be run any number of times, and sets the passwords anew, so that a changed one in .env takes effect with the next
-- `docker compose up`. In a database that inorder owned, as older versions had it, all becomes inorder_owner's.
--
--   INORDER_PASSWORD=… INORDER_OWNER_PASSWORD=… TEMPORAL_PASSWORD=… psql -v ON_ERROR_STOP=1 -f postgres-roles.sql

\getenv inorder_password INORDER_PASSWORD
\getenv inorder_owner_password INORDER_OWNER_PASSWORD
\getenv temporal_password TEMPORAL_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['inorder_owner', 'inorder', 'temporal']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE inorder_owner NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'inorder_owner_password';
ALTER ROLE inorder NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'inorder_password';
ALTER ROLE temporal NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'temporal_password';

SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', d.name, d.owner)
FROM (VALUES ('inorder', 'inorder_owner'), ('temporal', 'temporal'), ('temporal_visibility', 'temporal')) AS d (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = d.name) \gexec

REVOKE CONNECT, TEMPORARY ON DATABASE inorder, temporal, temporal_visibility FROM PUBLIC;

\connect inorder

-- In one transaction, so that programs of an older version, which run meanwhile, have what they need at every moment. What
-- inorder should not have of it, `inorder migrate --grant inorder` takes away.
BEGIN;
SET LOCAL lock_timeout = '10s';
REASSIGN OWNED BY inorder TO inorder_owner; -- and the database itself
GRANT CONNECT ON DATABASE inorder TO inorder;
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO inorder', c.oid::regclass)
FROM pg_class c WHERE c.relkind IN ('r', 'v') AND c.relnamespace = 'public'::regnamespace AND c.relowner = 'inorder_owner'::regrole
AND to_regclass('goose_db_version') IS NOT NULL AND NOT EXISTS (
	SELECT FROM aclexplode(c.relacl) WHERE grantee = 'inorder'::regrole) \gexec
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO inorder_owner; -- before PostgreSQL 15 it is not the database's owner's
GRANT USAGE ON SCHEMA public TO inorder;
COMMIT;
