-- Creates the roles and databases of docker-compose.yml's PostgreSQL; a superuser runs it. inorder_owner owns the orders' database and
-- its tables, and only `inorder migrate` uses it. All other commands use inorder, which owns nothing, so it can't change or delete
-- entries of the audit. temporal owns Temporal's two databases. No role is a superuser, and none can connect to another's databases.
-- The script may run any number of times. It sets the passwords each time, so that a changed one in .env takes effect with the next
-- `docker compose up`. If inorder owned the database, as in older versions, everything in it passes to inorder_owner.
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

-- In one transaction, so that programs of an older version, which run meanwhile, always have the rights they need. Then
-- `inorder migrate --grant inorder` revokes the rights that inorder should not have.
BEGIN;
SET LOCAL lock_timeout = '10s';
REASSIGN OWNED BY inorder TO inorder_owner; -- and the database itself
GRANT CONNECT ON DATABASE inorder TO inorder;
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO inorder', c.oid::regclass)
FROM pg_class c WHERE c.relkind IN ('r', 'v') AND c.relnamespace = 'public'::regnamespace AND c.relowner = 'inorder_owner'::regrole
AND to_regclass('goose_db_version') IS NOT NULL AND NOT EXISTS (
	SELECT FROM aclexplode(c.relacl) WHERE grantee = 'inorder'::regrole) \gexec
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO inorder_owner; -- before PostgreSQL 15 the database's owner does not own this schema
GRANT USAGE ON SCHEMA public TO inorder;
COMMIT;
