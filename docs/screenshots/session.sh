#!/usr/bin/env bash
# The README's first session, with pictures. It needs the system running in another terminal, with little patience:
#   STUCK_AFTER=20s PENDING_RECHECK=5s make run
set -euo pipefail
cd "$(dirname "$0")/../.."
set -a && . .dev/env && set +a
export PATH="$PATH:$PWD/bin"
phase() { temporal workflow count --query "EventPhase='$1' AND ExecutionStatus='Running' AND WorkflowId='$2'" -o json | grep -q '"count": *"1"'; }
await() { for _ in $(seq 120); do "$@" && return; sleep 0.5; done; echo "timed out: $*" >&2; exit 1; }
run_of() { temporal workflow describe -w "$1" -o json | grep -m1 -o '"runId": *"[^"]*"' | cut -d'"' -f4; }

bin/inorder send --story out-of-order
waiting=evt_waiting_$RANDOM failing=evt_failing_$RANDOM order=order_$RANDOM
bin/inorder send order.paid --id $waiting
bin/inorder send order.created --order $order
await phase stuck $waiting

psql "$DATABASE_URL" -qc 'ALTER TABLE orders RENAME TO orders_away' # so that applying fails
trap 'psql "$DATABASE_URL" -qc "ALTER TABLE orders_away RENAME TO orders"' EXIT
bin/inorder send order.paid --order $order --id $failing
await phase applying $failing
sleep 5 # for some attempts

ui=$TEMPORAL_UI_URL/namespaces/default/workflows
cd docs/screenshots
npm ci --silent
node shoot.mjs "events=$ui" "stuck=$ui/$waiting/$(run_of $waiting)/user-metadata" "retrying=$ui/$failing/$(run_of $failing)/pending-activities"
