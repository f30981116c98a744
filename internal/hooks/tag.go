package hooks

import (
	"encoding/json"
	"strings"
	"time"

	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// Tag is what the metadata of a webhook say that inorder registered. The documents know nothing of metadata: the platform
// may ignore them, and then our own record is all there is.
type Tag struct {
	Owner    string    // user@host
	Machine  string    // random, and kept beside the locks: only who sees the same locks can tell who is alive
	Listen   string    // the name of the `inorder listen` that it ends with; "" for a lasting one
	Lease    time.Time // until when that one is taken to be alive; zero if it does not say
	Replaces string    // the webhook that it replaces, in a rotation
}

const (
	ownerKey    = "inorder_owner"
	machineKey  = "inorder_machine"
	listenKey   = "inorder_listen"
	leaseKey    = "inorder_lease_until"
	replacesKey = "inorder_replaces"
)

// Metadata are what TagOf reads.
func (t Tag) Metadata() map[string]any {
	m := map[string]any{}
	set := func(key, value string) {
		if value != "" {
			m[key] = value
		}
	}
	set(ownerKey, t.Owner)
	set(machineKey, t.Machine)
	set(listenKey, t.Listen)
	set(replacesKey, t.Replaces)
	if !t.Lease.IsZero() {
		set(leaseKey, t.Lease.UTC().Format(time.RFC3339))
	}
	return m
}

// TagOf reads the metadata. It is empty for a webhook of somebody else's, or when the platform keeps none.
func TagOf(w platform.Webhook) Tag {
	var m map[string]any
	_ = json.Unmarshal(w.Metadata, &m)
	text := func(key string) string { s, _ := m[key].(string); return s }
	lease, _ := time.Parse(time.RFC3339, text(leaseKey))
	return Tag{Owner: text(ownerKey), Machine: text(machineKey), Listen: text(listenKey), Lease: lease, Replaces: text(replacesKey)}
}

// record is the owner of an endpoints.Endpoint: "" for a lasting one, else owner/name/machine.
func (t Tag) record() string {
	if t.Listen == "" {
		return ""
	}
	return strings.Join([]string{t.Owner, t.Listen, t.Machine}, "/")
}

// recordTag is what our own record says, which counts before the metadata.
func recordTag(e endpoints.Endpoint) Tag {
	var t Tag
	if parts := strings.Split(e.Owner, "/"); len(parts) == 3 {
		t.Owner, t.Listen, t.Machine = parts[0], parts[1], parts[2]
	}
	if e.LeaseUntil != nil {
		t.Lease = *e.LeaseUntil
	}
	return t
}
