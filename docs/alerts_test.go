package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

const (
	alertsFile  = "deploy/alerts.yml"
	alertsTests = "deploy/testdata/alerts" // promtool's, a file for each alert
	beginsAlert = "\n      - alert: "
)

// alertsOf returns the part of alerts.yml before its alerts, which has the recording rules, and the text of each alert by its name.
func alertsOf(t *testing.T) (recorded string, alerts map[string]string) {
	blocks := strings.Split(read(t, alertsFile), beginsAlert)
	alerts = map[string]string{}
	for _, block := range blocks[1:] {
		name, _, _ := strings.Cut(block, "\n")
		alerts[name] = beginsAlert + block
	}
	require.Len(t, alerts, len(blocks)-1, "two alerts have the same name")
	require.Greater(t, len(alerts), 15)
	return blocks[0], alerts
}

// An alert links to its paragraph in the document, so that whoever it wakes finds what it means.
func TestEveryAlertIsExplained(t *testing.T) {
	operations := read(t, "docs/operations.md")
	_, alerts := alertsOf(t)
	for name, alert := range alerts {
		require.Contains(t, alert, "\n          runbook: docs/operations.md#"+name+"\n", name)
		severity := regexp.MustCompile(`\n          severity: (critical|warning)\n`).FindStringSubmatch(alert)
		require.NotNil(t, severity, name)
		require.Contains(t, alert, "\n          summary: ", name)
		require.Contains(t, alert, "\n          description: ", name)
		paragraph := `<a id="` + name + `"></a>` + "\n\n### " + name + "\n\n" + strings.ToUpper(severity[1][:1]) + severity[1][1:] + ". "
		require.True(t, strings.Contains(operations, paragraph), "docs/operations.md does not explain %s as:\n%s", name, paragraph)
	}
	require.Equal(t, len(alerts), strings.Count(operations, "\n### Inorder"), "it explains one that is gone")
}

// promtool runs Prometheus' own tool. Without it the test is skipped; in CI it fails.
func promtool(t *testing.T, args ...string) {
	path, err := exec.LookPath("promtool")
	testenv.Need(t, err, "without Prometheus' promtool nothing shows that the alerts fire")
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestAlertsAreValid(t *testing.T) {
	promtool(t, "check", "rules", filepath.Join(testenv.Root(), alertsFile))
}

// Each alert has cases in which it fires, in which it doesn't, and in which its metric is absent. promtool confirms all of them.
// Each alert is tested without the others, because promtool evaluates every alert in the file, at each of thousands of moments.
func TestEachAlertFires(t *testing.T) {
	recorded, alerts := alertsOf(t)
	files, err := filepath.Glob(filepath.Join(testenv.Root(), alertsTests, "*.yml"))
	require.NoError(t, err)
	require.Len(t, files, len(alerts))
	for name, alert := range alerts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases := read(t, filepath.Join(alertsTests, name+".yml"))
			require.Contains(t, cases, `ALERTS{alertname="`+name+`", alertstate="firing"}`)
			expected := regexp.MustCompile(`exp_samples: \[(.*)\]`).FindAllStringSubmatch(cases, -1)
			var quiet, firing, absent int
			for _, e := range expected {
				switch {
				case e[1] == "":
					quiet++
				case strings.Contains(e[1], `absent="true"`):
					absent++
				default:
					firing++
				}
			}
			require.Equal(t, strings.Count(cases, "eval_time: "), len(expected)+strings.Count(cases, "exp_alerts:")) // these check its texts
			require.True(t, quiet > 0 && firing > 0 && absent > 0, "not: %d, fires: %d, its metric is absent: %d", quiet, firing, absent)

			dir := t.TempDir()
			test := filepath.Join(dir, alertsTests, name+".yml")
			require.NoError(t, os.MkdirAll(filepath.Dir(test), 0o755))
			require.NoError(t, os.WriteFile(test, []byte(cases), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, alertsFile), []byte(recorded+alert), 0o600))
			promtool(t, "test", "rules", test)
		})
	}
}
