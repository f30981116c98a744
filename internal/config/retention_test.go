package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhyARetentionIsRefused(t *testing.T) {
	got := problems(t, needAll, with("EVENT_RETENTION", "24h"))
	require.Contains(t, got[0], "REDELIVERY_HORIZON")
	require.Contains(t, got[0], "replay")
}

func TestRetentionsThatAreRefused(t *testing.T) {
	for _, tc := range [][2]string{
		{"PENDING_TTL", "721h"}, // longer than EVENT_RETENTION
		{"PAYLOAD_RETENTION", "0"},
		{"PAYLOAD_RETENTION", "721h"}, // longer than EVENT_RETENTION
		{"REFUSED_RETENTION", "0"},
		{"AUDIT_RETENTION", "never"},
		{"AUDIT_RETENTION", "-1h"},
		{"AUDIT_RETENTION", "1439h"}, // shorter than EVENT_RETENTION and 720h
		{"RECONCILE_AFTER", "720h"},  // not shorter than PENDING_TTL
	} {
		got := problems(t, needAll, with(tc[0], tc[1]))
		require.Len(t, got, 1, tc)
		require.Contains(t, got[0], tc[0]+": ")
	}
	c, err := load(needAll, with("AUDIT_RETENTION", "1440h", "PAYLOAD_RETENTION", "1h"))
	require.NoError(t, err)
	require.Equal(t, 1440*time.Hour, c.AuditRetention)
	require.Equal(t, time.Hour, c.PayloadRetention)
	c, err = load(needAll, with("AUDIT_RETENTION", "0"))
	require.NoError(t, err)
	require.Zero(t, c.AuditRetention)
}
