package command

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// blankError says that an argument or a flag is given but blank, as by a script whose variable isn't set. Treating it as left out would
// select more than was meant.
type blankError struct{ name, command string }

func (e *blankError) Error() string {
	return fmt.Sprintf("%s is empty: omit it, or give a value", e.name)
}

// checkBlanks returns an error if a text argument or flag is given but blank.
func checkBlanks(line *kong.Context) error {
	for _, typed := range line.Path {
		value := (*kong.Value)(nil)
		switch {
		case typed.Flag != nil && !typed.Resolved:
			value = typed.Flag.Value
		case typed.Positional != nil:
			value = typed.Positional
		}
		if value != nil && isBlank(value.Target) {
			return &blankError{value.ShortSummary(), line.Selected().Path()}
		}
	}
	return nil
}

func isBlank(v reflect.Value) bool {
	switch {
	case v.Kind() == reflect.String:
		return strings.TrimSpace(v.String()) == ""
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		for i := range v.Len() {
			if isBlank(v.Index(i)) {
				return true
			}
		}
	}
	return false
}

// whereWrong returns the command whose line is wrong, according to err; wrong is false for any other error.
func whereWrong(err error) (command string, wrong bool) {
	if blank, ok := errors.AsType[*blankError](err); ok {
		return blank.command, true
	}
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return "", false
	}
	if parse.Context != nil && parse.Context.Selected() != nil {
		command = parse.Context.Selected().Path()
	}
	return command, true
}
