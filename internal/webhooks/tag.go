package webhooks

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"inorder/internal/platform"
)

// Tag is what inorder writes into the metadata of its webhooks. The documents do not mention metadata: the platform may ignore
// them, and then only our record is left.
type Tag struct {
	Owner    string    // user@host
	Machine  string    // random; kept beside the locks, which only this machine can test
	Listen   string    // the name of the `inorder listen` that it ends with; "" for a lasting webhook
	Lease    time.Time // until when that `inorder listen` counts as alive; zero if unknown
	Replaces string    // the webhook that it replaces, in a rotation
}

const (
	ownerKey    = "inorder_owner"
	machineKey  = "inorder_machine"
	listenKey   = "inorder_listen"
	leaseKey    = "inorder_lease_until"
	replacesKey = "inorder_replaces"
)

// Metadata returns the tag as metadata; TagOf reads it back.
func (t Tag) Metadata() map[string]any {
	m := map[string]any{ownerKey: t.Owner, machineKey: t.Machine, listenKey: t.Listen, replacesKey: t.Replaces}
	if !t.Lease.IsZero() {
		m[leaseKey] = t.Lease.UTC().Format(time.RFC3339)
	}
	maps.DeleteFunc(m, func(_ string, value any) bool { return value == "" })
	return m
}

// TagOf returns the tag in a webhook's metadata: empty for somebody else's webhook, or if the platform keeps no metadata.
func TagOf(w platform.Webhook) Tag {
	var m map[string]any
	_ = json.Unmarshal(w.Metadata, &m)
	text := func(key string) string { s, _ := m[key].(string); return s }
	lease, _ := time.Parse(time.RFC3339, text(leaseKey))
	return Tag{Owner: text(ownerKey), Machine: text(machineKey), Listen: text(listenKey), Lease: lease, Replaces: text(replacesKey)}
}

// record returns the tag as the Owner of a Record: "" for a lasting webhook, else owner/name/machine.
func (t Tag) record() string {
	if t.Listen == "" {
		return ""
	}
	return t.Owner + "/" + t.Listen + "/" + t.Machine
}

// recordTag returns the tag that our own record holds.
func recordTag(r Record) Tag {
	var t Tag
	if parts := strings.Split(r.Owner, "/"); len(parts) == 3 {
		t.Owner, t.Listen, t.Machine = parts[0], parts[1], parts[2]
	}
	if r.LeaseUntil != nil {
		t.Lease = *r.LeaseUntil
	}
	return t
}

// merge prefers the record to the metadata. Of two leases the later one counts, because each is a promise.
func merge(record, metadata Tag) Tag {
	if record.Listen != "" {
		metadata.Owner, metadata.Listen, metadata.Machine = record.Owner, record.Listen, record.Machine
	}
	if record.Lease.After(metadata.Lease) {
		metadata.Lease = record.Lease
	}
	return metadata
}
