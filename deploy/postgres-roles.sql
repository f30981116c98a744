-- The roles and databases of docker-compose.yml's PostgreSQL, made by a superuser: inorder for the orders, temporal for
-- Temporal's own two databases. Neither is a superuser, and neither can enter the other's databases. It may be run any number
-- of times, and sets the passwords anew, so that a changed one in .env takes effect with the next `docker compose up`.
--
--   INORDER_PASSWORD=… TEMPORAL_PASSWORD=… psql -v ON_ERROR_STOP=1 -f postgres-roles.sql

\getenv inorder_password INORDER_PASSWORD
\getenv temporal_password TEMPORAL_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['inorder', 'temporal']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE inorder NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'inorder_password';
ALTER ROLE temporal NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'temporal_password';

SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', d.name, d.owner)
FROM (VALUES ('inorder', 'inorder'), ('temporal', 'temporal'), ('temporal_visibility', 'temporal')) AS d (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = d.name) \gexec

REVOKE CONNECT, TEMPORARY ON DATABASE inorder, temporal, temporal_visibility FROM PUBLIC;
