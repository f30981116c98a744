package retention_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/retention"
)

const day = 24 * time.Hour

// usual are the defaults.
func usual() retention.Settings {
	return retention.Settings{Events: 30 * day, Payloads: 30 * day, Redelivery: 7 * day, PendingTTL: 30 * day, StuckAfter: day,
		AskAfter: 10 * time.Minute, CompareOver: 3 * day, CompareEach: time.Hour}
}

// Each case changes the defaults; broken is the setting that is named, and right the value that is advised.
var cases = []struct {
	name   string
	change func(*retention.Settings)
	broken string
	right  time.Duration
}{
	{"the defaults", func(*retention.Settings) {}, "", 0},
	{"rows go while the platform may deliver again", func(s *retention.Settings) { s.Redelivery = 31 * day }, "EVENT_RETENTION", 31 * day},
	{"rows are kept just as long", func(s *retention.Settings) { s.Redelivery = 30 * day }, "", 0},
	{"what waits outlives the rows", func(s *retention.Settings) { s.PendingTTL = 30*day + 1 }, "PENDING_TTL", 30 * day},
	{"nobody sees that it is stuck", func(s *retention.Settings) { s.StuckAfter = 30 * day }, "STUCK_AFTER", 15 * day},
	{"nobody asks the platform", func(s *retention.Settings) { s.AskAfter = 30 * day }, "RECONCILE_AFTER", 10 * time.Minute},
	{"payloads outlive their rows", func(s *retention.Settings) { s.Payloads = 31 * day }, "PAYLOAD_RETENTION", 30 * day},
	{"payloads go before the platform may deliver again", func(s *retention.Settings) { s.Payloads = time.Hour }, "", 0},
	{"the audit goes before bulk actions do", func(s *retention.Settings) { s.Audit = 60*day - 1 }, "AUDIT_RETENTION", 60 * day},
	{"the audit is kept just as long", func(s *retention.Settings) { s.Audit = 60 * day }, "", 0},
	{"a malformed setting is a problem already", func(s *retention.Settings) { s.Events = 0 }, "", 0},
}

func TestWhatMustBeTrueOfTheSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := usual()
			tc.change(&s)
			problems := s.Check()
			if tc.broken == "" {
				require.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			require.Equal(t, tc.broken, problems[0].Setting)
			require.Equal(t, tc.right, problems[0].Right)
			require.Contains(t, problems[0].Text, retention.Short(tc.right), "the text has the value, too")
			require.NotContains(t, problems[0].Text, ",,")
		})
	}
}

func TestAProblemReadsWell(t *testing.T) {
	t.Parallel()
	s := usual()
	s.Payloads, s.Audit = 31*day, day
	problems := s.Check()
	require.Equal(t, "744h is longer than EVENT_RETENTION, 720h, after which the whole row is deleted, so the payload would not be kept that long; "+
		"lower it to 720h or less, or raise EVENT_RETENTION", problems[0].Text)
	require.Equal(t, "24h is shorter than EVENT_RETENTION, 720h, plus the 720h for which a bulk action that nobody ended is kept: the record of what it did "+
		"could be deleted before the bulk action itself, which could then do it again; raise it to 1440h or more, or set it to 0, which keeps the audit for ever", problems[1].Text)
}

func TestTheNamespacesRetention(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		namespace, payloads, redelivery time.Duration
		says, cure                      string
	}{
		"not known":                           {0, 30 * day, 7 * day, "", ""},
		"as long as the horizon":              {7 * day, 30 * day, 7 * day, "", ""},
		"as long as payloads":                 {30 * day, 30 * day, 7 * day, "", ""},
		"shorter than the horizon":            {day, 30 * day, 7 * day, "REDELIVERY_HORIZON, 168h", "--retention 168h"},
		"longer than payloads":                {31 * day, 30 * day, 7 * day, "PAYLOAD_RETENTION, 720h", "--retention 720h"},
		"payloads shorter than the horizon":   {2 * day, 2 * day, 7 * day, "", ""},
		"longer than such payloads":           {7 * day, 2 * day, 7 * day, "PAYLOAD_RETENTION, 48h", "--retention 48h"},
		"Temporal can keep them no shorter":   {day, time.Hour, 7 * day, "and can't be shorter", "PAYLOAD_RETENTION=24h"},
		"Temporal takes no less than one day": {7 * day, time.Hour, 7 * day, "PAYLOAD_RETENTION, 1h", "--retention 24h"},
	} {
		t.Run(name, func(t *testing.T) {
			s := usual()
			s.Payloads, s.Redelivery = tc.payloads, tc.redelivery
			advice := s.Advise(tc.namespace)
			if tc.says == "" {
				require.Empty(t, advice)
				return
			}
			require.Len(t, advice, 1)
			require.Contains(t, advice[0].Text, tc.says)
			require.True(t, strings.HasSuffix(advice[0].Cure("shop"), tc.cure), advice[0].Cure("shop"))
		})
	}
}

func TestOrdersThatAreNeverCompared(t *testing.T) {
	t.Parallel()
	s := usual()
	s.CompareEach = 4 * day
	advice := s.Advise(7 * day)
	require.Len(t, advice, 1)
	require.Equal(t, "RECONCILE_EVERY=36h", advice[0].Cure("shop"))
}
