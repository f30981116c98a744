package tools

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// units maps each unit that runs to its file in deploy/systemd.
var units = map[string]string{"inorder@serve.service": "inorder@.service", "inorder@receiver.service": "inorder@.service",
	"inorder@worker.service": "inorder@.service", "inorder-migrate.service": "inorder-migrate.service"}

// systemdAnalyze runs a command of systemd-analyze on the units, in a root directory that has little else but a program to start.
// If systemd-analyze is not installed, the test is skipped; in CI it fails.
func systemdAnalyze(t *testing.T, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("deploy/systemd is not tested: %v; install it (apt-get install systemd)", err)
	}
	require.NoError(t, err)
	root := t.TempDir()
	write := func(path, text string, mode os.FileMode) {
		path = filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
	}
	write("usr/local/bin/inorder", "#!/bin/sh\n", 0o755)
	for _, target := range []string{"network-online", "multi-user", "basic", "sysinit", "shutdown"} {
		write("usr/lib/systemd/system/"+target+".target", "[Unit]\nDescription="+target+"\n", 0o644)
	}
	for unit, file := range units {
		write("etc/systemd/system/"+unit, unitText(t, file), 0o644)
		args = append(args, unit)
	}
	out, err := exec.Command(program, append([]string{"--root=" + root}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func unitText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../deploy/systemd/" + file)
	require.NoError(t, err)
	return string(text)
}

// systemd's own parser warns of unknown names and of missing programs; it must not warn.
func TestSystemdUnitsAreValid(t *testing.T) {
	require.Empty(t, systemdAnalyze(t, "verify", "--man=no"))
}

// systemd rates exposure from 0 (nothing is exposed) to 10. What remains exposed is the network.
func TestSystemdUnitsAreHardened(t *testing.T) {
	out := systemdAnalyze(t, "security", "--offline=yes", "--threshold=15")
	levels := regexp.MustCompile(`Overall exposure level for (\S+): (\S+)`).FindAllStringSubmatch(out, -1)
	require.Len(t, levels, len(units))
	for _, level := range levels {
		t.Log(level[1], level[2])
	}
}

// values returns the values that a unit sets for a name, in their order.
func values(unit, name string) (all []string) {
	for line := range strings.Lines(unit) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found && key == name {
			all = append(all, value)
		}
	}
	return all
}

func TestSystemdUnitsFitTheProgram(t *testing.T) {
	unit, migrate := unitText(t, "inorder@.service"), unitText(t, "inorder-migrate.service")
	stop, err := strconv.Atoi(values(unit, "TimeoutStopSec")[0])
	require.NoError(t, err)
	require.Greater(t, time.Duration(stop)*time.Second, drainTime(t))
	require.Equal(t, []string{"always"}, values(unit, "Restart"))
	require.Equal(t, []string{"0"}, values(unit, "StartLimitIntervalSec"), "systemd never stops restarting it")
	files, err := strconv.Atoi(values(unit, "LimitNOFILE")[0])
	require.NoError(t, err)
	require.Greater(t, files, 4096+128, "MAX_CONNECTIONS, and what the process needs beside it")

	for _, text := range []string{unit, migrate} {
		for _, pair := range values(text, "Environment") {
			name, _, _ := strings.Cut(pair, "=")
			requireSetting(t, name)
		}
		require.Equal(t, "/etc/inorder/inorder.env", values(text, "EnvironmentFile")[0])
		require.Contains(t, values(text, "LoadCredential")[0], "pgpass:/etc/inorder/pgpass")
		require.Contains(t, values(text, "After")[0], "network-online.target")
	}
	require.NotEqual(t, values(unit, "LoadCredential"), values(migrate, "LoadCredential"), "only migrate has the owner's password")
	require.Equal(t, "/etc/inorder/migrate.env", values(migrate, "EnvironmentFile")[1])
	require.Contains(t, unitText(t, "migrate.env"), "\nDATABASE_URL=postgres://inorder_owner@")
	require.Contains(t, migrate, " migrate --grant inorder\n")
	_, hardened, _ := strings.Cut(migrate, "CapabilityBoundingSet=")
	require.Contains(t, unit, strings.TrimSpace(hardened), "both have the same")
}

// TestSystemdSettingsAreTheProgramsOwn reads inorder.env line by line, as systemd does. Every setting in it must exist.
func TestSystemdSettingsAreTheProgramsOwn(t *testing.T) {
	lines := bufio.NewScanner(strings.NewReader(unitText(t, "inorder.env")))
	n := 0
	for lines.Scan() {
		name, value, found := strings.Cut(strings.TrimPrefix(lines.Text(), "#"), "=")
		if !found || strings.HasPrefix(lines.Text(), "# ") {
			require.True(t, !found || strings.HasPrefix(lines.Text(), "# "), lines.Text())
			continue
		}
		n++
		requireSetting(t, name)
		require.NotContains(t, value, "inorder:", "a password")
	}
	require.Greater(t, n, 4)
}
