package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNotInstalled reports that this machine does not have the program.
var ErrNotInstalled = errors.New("not found in PATH or /usr/sbin")

// Beside is a program that runs beside inorder in production and is installed from packages, such as nginx. It is no part of
// a Stack: each test that needs it runs it.
type Beside struct {
	Program string            // its name, such as "nginx"
	Files   map[string]string // names and contents; "{dir}" in contents or in Args stands for the directory of these files
	Args    []string
	Env     []string // more environment variables
	Ready   func(context.Context) error
}

// Run starts the program, never as root, and returns when it is ready. The error wraps ErrNotInstalled if the program is missing.
func (b Beside) Run(ctx context.Context) (stop func() error, err error) {
	program, err := findBeside(b.Program)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "inorder-"+b.Program+"-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	account, err := postgresAccount(dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(account.own(dir), b.write(dir, account)); err != nil {
		return nil, err
	}
	args := make([]string, len(b.Args))
	for i, arg := range b.Args {
		args[i] = inDir(dir, arg)
	}
	server, err := Launch(ctx, Command{Name: b.Program, Dir: dir, Path: program, Args: args, Work: dir,
		Env: append(append(postgresEnv(), "HOME="+dir), b.Env...), user: account, Ready: b.Ready})
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(server.Stop(), os.RemoveAll(dir)) }, nil
}

func (b Beside) write(dir string, a *account) error {
	for name, text := range b.Files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(inDir(dir, text)), 0o600), a.own(path)); err != nil {
			return err
		}
	}
	return nil
}

func inDir(dir, text string) string { return strings.ReplaceAll(text, "{dir}", dir) }

func findBeside(name string) (string, error) {
	for _, place := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(place); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w; install it (apt-get install %s, brew install %s)", name, ErrNotInstalled, name, name)
}
