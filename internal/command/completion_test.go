package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asTool, if set, makes the test's program act as the one that the shells complete.
const asTool = "COMMAND_TEST_AS_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		out, errs, code := run(os.Args[1:]...)
		fmt.Print(out)
		fmt.Fprint(os.Stderr, errs)
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// shells has each shell's script that prints what it would offer at the end of LINE.
var shells = map[string]string{
	"bash": `
source <(tool completion bash)
read -ra COMP_WORDS <<< "LINE"
[[ "LINE" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_tool
printf '%s\n' "${COMPREPLY[@]}"`,
	// zsh's own completion runs in its line editor only, so what it calls is replaced.
	"zsh": `
compdef() { : }
_describe() { print -rl -- ${(P)2} }
_files() { print -l files }
source <(tool completion zsh)
words=("${(@s: :)${:-LINE}}")
CURRENT=$#words
_tool`,
	"fish": `
source (tool completion fish | psub)
complete -C "LINE"`,
}

// tool puts the program into a folder of its own, and returns that and an environment whose PATH begins there.
func tool(t *testing.T) (dir string, environ []string) {
	program, err := os.Executable()
	require.NoError(t, err)
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tool"), fmt.Appendf(nil, "#!/bin/sh\n%s=1 exec %q \"$@\"\n", asTool, program), 0o755))
	return dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir)
}

// bash must be installed. In CI the others must be, too; elsewhere they are tried if they are installed.
func TestTheShellsComplete(t *testing.T) {
	dir, environ := tool(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "order.json"), nil, 0o600))
	for shell, script := range shells {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil && shell != "bash" && os.Getenv("CI") == "" {
				t.Skip("not installed")
			} else if err != nil {
				t.Fatalf("apt-get install %s", shell)
			}
			offers := func(line string) string {
				c := exec.Command(shell, "-c", strings.ReplaceAll(script, "LINE", line))
				c.Dir = dir
				c.Env = environ
				out, err := c.CombinedOutput()
				require.NoError(t, err, "%s", out)
				return string(out)
			}
			require.Regexp(t, `^events`, offers("tool ev"))
			out := offers("tool events ")
			require.Contains(t, out, "list")
			require.Contains(t, out, "show")
			require.Regexp(t, `(?m)^stuck`, offers("tool events list --state st"))
			require.NotContains(t, offers("tool events list --state st"), "waiting")
			require.Contains(t, offers("tool events list --st"), "--state")
			out = offers("tool events show ")
			require.NotContains(t, out, "list")
			switch shell { // names of files are offered where the program has nothing
			case "zsh":
				require.Equal(t, "files\n", out)
			case "fish":
				require.Contains(t, out, "order.json")
			}
		})
	}
}

// bash splits a line at "=", too.
func TestBashCompletesBehindAnEqualsSign(t *testing.T) {
	_, environ := tool(t)
	c := exec.Command("bash", "-c", `source <(tool completion bash)
COMP_WORDS=(tool events list --state = st) COMP_CWORD=5
_tool
printf '%s\n' "${COMPREPLY[@]}"
COMP_WORDS=(tool events list --state =) COMP_CWORD=4
_tool
printf '%s\n' "${COMPREPLY[@]}"`)
	c.Env = environ
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "stuck\nwaiting\nstuck\nended\n", string(out))
}
