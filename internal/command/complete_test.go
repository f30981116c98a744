package command

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

type grammar struct {
	Events struct {
		List struct {
			State string `enum:"waiting,stuck,ended," default:"" help:"Where they stand. Any."`
			JSON  bool   `name:"json" help:"As JSON."`
			Order string `help:"Of this order."`
		} `cmd:"" help:"List events."`
		Show struct {
			ID string `arg:""`
		} `cmd:"" help:"Show one."`
		Retry struct {
			ID []string `arg:"" optional:""`
		} `cmd:"" hidden:""`
	} `cmd:"" help:"Events."`
	Completion Completion `cmd:"" help:"Print a script."`
	Help       Help       `cmd:"" help:"Help."`
	Secret     struct{}   `cmd:"" hidden:""`
	Quiet      bool       `short:"q" help:"Say less."`
}

func run(args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	code = Program{Name: "tool", Description: "A tool.", Grammar: &grammar{}, Out: &o, Err: &e, Options: []kong.Option{kong.Vars{"version": "v1"}}}.Run(background, args)
	return o.String(), e.String(), code
}

func TestCandidates(t *testing.T) {
	for line, want := range map[string]string{
		"":                              "events completion help",
		"ev":                            "events",
		"events ":                       "list show",
		"events list --":                "--help --quiet --state --json --order",
		"events list --st":              "--state",
		"events list --state ":          "waiting stuck ended",
		"events list --state=s":         "--state=stuck",
		"events list --state stuck --j": "--json",
		"events list --json ":           "",
		"events list --order ":          "",
		"events show ":                  "",
		"-q events ":                    "list show",
		"completion ":                   "bash zsh fish",
		"completion f":                  "fish",
		"help ":                         "events completion help",
		"help events ":                  "list show",
		"nothing ":                      "",
		"--nothing=":                    "",
	} {
		out, _, code := run(append([]string{candidatesCommand}, strings.Split(line, " ")...)...)
		require.Zero(t, code)
		var words []string
		for candidate := range strings.Lines(out) {
			word, _, described := strings.Cut(candidate, "\t")
			require.True(t, described)
			words = append(words, word)
		}
		require.Equal(t, strings.Fields(want), append([]string{}, words...), line)
	}
	out, _, _ := run(candidatesCommand, "events", "list", "--st")
	require.Equal(t, "--state\tWhere they stand\n", out)
}
