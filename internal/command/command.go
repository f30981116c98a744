// Package command runs a program of several commands: it reads the command line with kong, prints help and completions, runs the
// command that was named, and returns the exit code. The program defines the commands, and what they need.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// The exit codes. A command that was asked to stop, and did, has succeeded.
const (
	OK     = 0
	Failed = 1
	Usage  = 2 // the command line or the environment is invalid, and nothing was done
)

// Program is a program with its commands.
type Program struct {
	Name, Description string
	Grammar           any // a pointer to kong's struct of commands
	Out, Err          io.Writer
	// Page is where help goes: the file itself, because help is as wide as its terminal. Default: Out.
	Page    io.Writer
	Options []kong.Option // more options for kong, such as what commands are given
	// CodeOf returns the exit code of a command's error; nil means that every error is Failed.
	CodeOf func(error) int
}

// Code is an error that is only an exit code: the command has already said what is wrong.
type Code int

func (c Code) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// exit is the panic that unwinds from help and --version, with the exit code.
type exit int

// Run runs the command that args name and returns the exit code. Errors are printed in lines that begin with the program's name.
// Without a command, or with one that only has subcommands, it prints help.
func (p Program) Run(ctx context.Context, args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ours := r.(exit)
			if !ours {
				panic(r)
			}
			code = int(e)
		}
	}()
	parser := p.parser(ctx)
	if len(args) > 0 && args[0] == candidatesCommand {
		printCandidates(p.Out, parser.Model.Node, args[1:])
		return OK
	}
	if asksForHelp(parser, args) {
		args = append(args, "--help")
	}
	line, err := parser.Parse(args)
	if err == nil {
		err = checkBlanks(line)
	}
	if err == nil {
		err = line.Run()
	}
	return p.report(ctx, err)
}

func (p Program) parser(ctx context.Context) *kong.Kong {
	page := p.Page
	if page == nil {
		page = p.Out
	}
	return kong.Must(p.Grammar, append([]kong.Option{
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Writers(page, p.Err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.WithHyphenPrefixedParameters(true), // --at -5m
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(p.Out, (*io.Writer)(nil)),
	}, p.Options...)...)
}

// asksForHelp reports whether the line ends where a command must still follow.
func asksForHelp(parser *kong.Kong, args []string) bool {
	line, err := kong.Trace(parser, args)
	if err != nil || line.Error != nil {
		return false
	}
	node := line.Selected()
	if node == nil {
		node = parser.Model.Node
	}
	return len(node.Children) > 0 && len(node.Positional) == 0
}

func (p Program) report(ctx context.Context, err error) int {
	if err == nil {
		return OK
	}
	if code, said := errors.AsType[Code](err); said {
		return int(code)
	}
	if node, wrong := whereWrong(err); wrong {
		text := strings.Replace(err.Error(), `,"" but got `, ` but got `, 1) // a flag's "" means that it was not typed
		fmt.Fprintf(p.Err, "%s: %s\nSee `%s --help`.\n", p.Name, text, strings.TrimSpace(p.Name+" "+node))
		return Usage
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
	if p.CodeOf == nil {
		return Failed
	}
	return p.CodeOf(err)
}

// Help is the command `help`. It prints what --help prints.
type Help struct {
	Command []string `arg:"" optional:"" help:"The command. Without one: an overview."`
}

func (h *Help) Run(k *kong.Kong) error {
	_, err := k.Parse(append(h.Command, "--help"))
	return err
}

// Version is the command `version`. The program sets kong's variable "version".
type Version struct{}

func (*Version) Run(out io.Writer, vars kong.Vars) error {
	_, err := fmt.Fprintln(out, vars["version"])
	return err
}
