package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Completion is the command `completion`. It prints a script for a shell; the script asks the program itself what fits, so a new
// version needs no new script.
type Completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"${enum}."`
}

func (*Completion) Help() string {
	return `Prints a script that makes the shell complete commands, flags and their values. Load it when your shell starts. It reads no
settings.

Examples:

    source <(inorder completion bash)                                   # in ~/.bashrc
    source <(inorder completion zsh)                                    # in ~/.zshrc, after compinit
    inorder completion fish > ~/.config/fish/completions/inorder.fish   # once`
}

func (c *Completion) Run(k *kong.Kong, out io.Writer) error {
	_, err := fmt.Fprint(out, strings.NewReplacer("PROGRAM", k.Model.Name, "CANDIDATES", candidatesCommand).Replace(scripts[c.Shell]))
	return err
}

// scripts has each shell's script. It falls back to the names of files where the program has no candidate. It calls the program as it was
// typed, so that bin/inorder completes, too.
var scripts = map[string]string{
	// bash makes "=", and what follows it, words of their own.
	"bash": `# bash completion of PROGRAM: source <(PROGRAM completion bash)
_PROGRAM() {
	local words=() word line
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		[[ $word == "=" ]] && continue
		words+=("$word")
	done
	[[ ${COMP_WORDS[COMP_CWORD]} == "=" ]] && words+=("")
	COMPREPLY=()
	while IFS= read -r line; do
		COMPREPLY+=("${line%%$'\t'*}")
	done < <("${COMP_WORDS[0]/#\~/$HOME}" CANDIDATES "${words[@]}" 2>/dev/null)
}
complete -o default -F _PROGRAM PROGRAM
`,
	"zsh": `#compdef PROGRAM
# zsh completion of PROGRAM: source <(PROGRAM completion zsh), after compinit
_PROGRAM() {
	local line
	local -a found
	for line in "${(@f)$(${~words[1]} CANDIDATES "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		[[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	if (( $#found )); then
		_describe PROGRAM found
	else
		_files
	fi
}
if [[ $funcstack[1] == _PROGRAM ]]; then
	_PROGRAM "$@"
else
	compdef _PROGRAM PROGRAM
fi
`,
	"fish": `# fish completion of PROGRAM: PROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish
function __PROGRAM_candidates
	set -l words (commandline -opc)
	set -l typed (commandline -ct)
	set -l found ($words[1] CANDIDATES $words[2..-1] "$typed" 2>/dev/null)
	if test (count $found) -gt 0
		printf '%s\n' $found
	else
		__fish_complete_path "$typed"
	end
end
complete -c PROGRAM -f -a '(__PROGRAM_candidates)'
`,
}
