package tools

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/require"
)

func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	f, err := os.Open("../Dockerfile")
	require.NoError(t, err)
	defer f.Close()
	parsed, err := parser.Parse(f)
	require.NoError(t, err)
	require.Empty(t, parsed.Warnings)
	stages, _, err := instructions.Parse(parsed.AST, nil)
	require.NoError(t, err)
	return stages
}

// BuildKit's own parser knows every instruction and flag, and every stage in COPY --from exists.
func TestDockerfileIsValid(t *testing.T) {
	all := stages(t)
	for _, stage := range all {
		for _, command := range stage.Commands {
			if c, ok := command.(*instructions.CopyCommand); ok && c.From != "" {
				_, found := instructions.HasStage(all, c.From)
				require.True(t, found, c.From)
			}
		}
	}
}

// TestAnImageSaysItsVersion runs the Dockerfile's check of VERSION in a shell, as a build would.
func TestAnImageSaysItsVersion(t *testing.T) {
	all := stages(t)
	var check, build string
	for _, command := range all[0].Commands {
		switch c := command.(type) {
		case *instructions.ArgCommand:
			require.Nil(t, c.Args[0].Value, "%s has no default", c.Args[0].Key)
		case *instructions.RunCommand:
			line := strings.Join(c.CmdLine, " ")
			if strings.Contains(line, "test -n") {
				check = line
			}
			if strings.Contains(line, "go build") {
				build = line
			}
		}
	}
	require.Contains(t, build, "-X main.version=${VERSION}")
	for version, fine := range map[string]bool{"": false, "v1": true} {
		run := exec.Command("sh", "-c", check)
		run.Env = append(os.Environ(), "VERSION="+version)
		out, err := run.CombinedOutput()
		require.Equal(t, fine, err == nil, "%q: %s", version, out)
		require.Equal(t, fine, !strings.Contains(string(out), "--build-arg VERSION=$(git describe"), string(out))
	}
}

func TestAnImageDoesNotRunAsRoot(t *testing.T) {
	all := stages(t)
	user := ""
	for _, command := range all[len(all)-1].Commands {
		if c, ok := command.(*instructions.UserCommand); ok {
			user = c.User
		}
	}
	require.Regexp(t, `^[1-9][0-9]*:[1-9][0-9]*$`, user)
}

// secretFiles are files that contain secrets, or may.
var secretFiles = []string{".env", ".env.production", "deploy/.env", "bench/.env.local", ".dev/env", ".dev/webhook.secret", "server.key", "deploy/tls/server.pem"}

// TestNoImageTakesUpSecrets uses Docker's own matcher for .dockerignore.
func TestNoImageTakesUpSecrets(t *testing.T) {
	f, err := os.Open("../.dockerignore")
	require.NoError(t, err)
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	require.NoError(t, err)
	ignored, err := patternmatcher.New(patterns)
	require.NoError(t, err)
	for _, name := range append(secretFiles, ".git/config", "internal/x/postgres.password", "admin.token") {
		matches, err := ignored.MatchesOrParentMatches(filepath.FromSlash(name))
		require.NoError(t, err)
		require.True(t, matches, name)
	}
	for _, name := range []string{"go.mod", "cmd/inorder/main.go", "migrations/0001_create_tables.sql"} {
		matches, err := ignored.MatchesOrParentMatches(filepath.FromSlash(name))
		require.NoError(t, err)
		require.False(t, matches, name)
	}
}

func TestGitTakesUpNoSecrets(t *testing.T) {
	for _, name := range secretFiles {
		out, err := exec.Command("git", "-c", "safe.directory=*", "-C", "..", "check-ignore", "--no-index", name).CombinedOutput()
		require.NoError(t, err, "%s is not ignored: %s", name, out)
	}
	err := exec.Command("git", "-c", "safe.directory=*", "-C", "..", "check-ignore", "--no-index", ".env.example").Run()
	require.Error(t, err, "the example is not ignored")
}
