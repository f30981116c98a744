#!/bin/bash
# Starts Temporal's production server instead of the development server, with all services in one process and its state in
# PostgreSQL. It accepts the development server's arguments, and uses the ports and the file's folder. DATABASE_URL is a superuser's.
#
#   SHARDS        number of history shards (4)
#   CONNECTIONS   limit of connections to PostgreSQL per service (20)
#   ASYNC=1       commits don't wait for the disk: accepted workflows may be lost if the machine crashes
#   INDEXES=few   drops the indexes of search attributes that inorder does not need
set -eu
[ "${1:-}" != --version ] || exec bin/temporal-server --version
bin=$PWD/bin cli=$(command -v temporal || echo "$PWD/bin/temporal")
schema=$(cd tools/temporal && go list -m -f '{{.Dir}}' go.temporal.io/server)/schema/postgresql/v12
while [ $# -gt 0 ]; do
	case $1 in --port) port=$2 ;; --ui-port) http=$2 ;; --db-filename) dir=$(dirname "$2") ;; esac
	shift
done
[[ $DATABASE_URL =~ ^postgres://(.*):(.*)@(.*):(.*)/ ]]
export SQL_PLUGIN=postgres12 SQL_USER=${BASH_REMATCH[1]} SQL_PASSWORD=${BASH_REMATCH[2]} SQL_HOST=${BASH_REMATCH[3]} SQL_PORT=${BASH_REMATCH[4]}
database=temporal_$port
query() { PGPASSWORD=$SQL_PASSWORD psql -X -q -At -v ON_ERROR_STOP=1 -h "$SQL_HOST" -p "$SQL_PORT" -U "$SQL_USER" -d "$1"; }

for kind in temporal visibility; do
	name=${database}_$kind
	"$bin/temporal-sql-tool" --db "$name" create-database
	"$bin/temporal-sql-tool" --db "$name" setup-schema -v 0.0
	"$bin/temporal-sql-tool" --db "$name" update-schema -d "$schema/$kind/versioned"
	[ -z "${ASYNC:-}" ] || echo "ALTER DATABASE $name SET synchronous_commit = off" | query postgres
done >"$dir/schema.log"
if [ "${INDEXES:-}" = few ]; then
	query "$name" <<-'SQL'
		SELECT 'DROP INDEX ' || indexname FROM pg_indexes WHERE tablename = 'executions_visibility' AND indexname !~
			'(pkey|default_idx|by_execution_time|by_workflow_id|by_workflow_type|by_status|by_temporal_namespace_division|by_keyword_0[1-4])$' \gexec
	SQL
fi

# A free port below the range of ephemeral ports.
free() {
	local p=$((10000 + RANDOM % 20000))
	if (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then free; else echo $p; fi
}
service() { echo "$1: {rpc: {grpcPort: $2, membershipPort: $(free), bindOnIP: 127.0.0.1${3:-}}}"; }
store() {
	echo "sql: {pluginName: postgres12, databaseName: $1, connectAddr: '$SQL_HOST:$SQL_PORT', connectProtocol: tcp," \
		"user: $SQL_USER, password: $SQL_PASSWORD, maxConns: $2, maxIdleConns: $2, maxConnLifetime: 1h}"
}
cat >"$dir/base.yaml" <<YAML
log: {stdout: true, level: warn}
persistence:
  defaultStore: default
  visibilityStore: visibility
  numHistoryShards: ${SHARDS:-4}
  datastores:
    default: {$(store "${database}_temporal" "${CONNECTIONS:-20}")}
    visibility: {$(store "${database}_visibility" 10)}
global:
  membership: {maxJoinDuration: 30s, broadcastAddress: 127.0.0.1}
services:
  $(service frontend "$port" ", httpPort: $http")
  $(service matching "$(free)")
  $(service history "$(free)")
  $(service worker "$(free)")
clusterMetadata:
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active: {enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: '127.0.0.1:$port'}
dcRedirectionPolicy: {policy: noop}
publicClient: {hostPort: '127.0.0.1:$port'}
archival: {history: {state: disabled}, visibility: {state: disabled}}
namespaceDefaults: {archival: {history: {state: disabled}, visibility: {state: disabled}}}
dynamicConfigClient: {filepath: '$dir/dynamic.yaml', pollInterval: 60s}
YAML
cat >"$dir/dynamic.yaml" <<'YAML'
system.enableEagerWorkflowStart: [{value: true}]
system.forceSearchAttributesCacheRefreshOnRead: [{value: true}]
system.namespaceCacheRefreshInterval: [{value: 1s}]
frontend.persistenceMaxQPS: [{value: 10000}]
history.persistenceMaxQPS: [{value: 45000}]
YAML
# Unlike the development server, this one has no namespace at first.
(until "$cli" --address "127.0.0.1:$port" operator namespace create -n default --retention 168h; do sleep 1; done) >"$dir/namespace.log" 2>&1 &
exec "$bin/temporal-server" --root "$dir" --config . --env bench --allow-no-auth start
