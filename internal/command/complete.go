package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// candidatesCommand is the command that the shells' scripts call, with the words after the program's name, up to and including the
// one that is being typed. It prints one candidate a line, followed by a tab and its description.
const candidatesCommand = "__complete"

type candidate struct{ word, help string }

// printCandidates prints what may stand in the place of the last word. It prints nothing where a file or free text belongs.
func printCandidates(out io.Writer, root *kong.Node, words []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	typed := words[len(words)-1]
	for _, c := range candidatesFor(root, words[:len(words)-1], typed) {
		if strings.HasPrefix(c.word, typed) {
			fmt.Fprintf(out, "%s\t%s\n", c.word, c.help)
		}
	}
}

// candidatesFor returns what may follow words. The caller leaves out those that don't begin with the typed word.
func candidatesFor(root *kong.Node, words []string, typed string) []candidate {
	node, positional := root, 0
	var flag *kong.Flag // whose value follows
	for _, word := range words {
		switch {
		case flag != nil:
			flag = nil
		case strings.HasPrefix(word, "-"):
			name, _, valued := strings.Cut(word, "=")
			if flag = flagOf(node, name); flag != nil && (valued || flag.IsBool()) {
				flag = nil
			}
		default:
			if child := childOf(node, word); child != nil {
				node = child
			} else if len(node.Children) > 0 {
				return nil
			} else {
				positional++
			}
		}
		if helps(node) { // its words are commands of the program
			return candidatesFor(root, wordsAfter(words, node.Name), typed)
		}
	}
	name, _, valued := strings.Cut(typed, "=")
	switch {
	case flag != nil:
		return valuesOf(flag.Value, "")
	case valued && strings.HasPrefix(typed, "--"):
		if flag = flagOf(node, name); flag != nil {
			return valuesOf(flag.Value, name+"=")
		}
		return nil
	case strings.HasPrefix(typed, "-"):
		return flagsOf(node)
	case len(node.Children) > 0:
		return commandsOf(node)
	case positional < len(node.Positional):
		return valuesOf(node.Positional[positional], "")
	}
	return nil
}

// helps reports whether the node is the command Help.
func helps(n *kong.Node) bool {
	if !n.Target.IsValid() || !n.Target.CanAddr() {
		return false
	}
	_, is := n.Target.Addr().Interface().(*Help)
	return is
}

func wordsAfter(words []string, name string) []string { return words[slices.Index(words, name)+1:] }

func childOf(n *kong.Node, name string) *kong.Node {
	for _, child := range n.Children {
		if child.Name == name || slices.Contains(child.Aliases, name) {
			return child
		}
	}
	return nil
}

func flagOf(n *kong.Node, word string) *kong.Flag {
	for _, group := range n.AllFlags(false) {
		for _, f := range group {
			if "--"+f.Name == word || f.Short != 0 && "-"+string(f.Short) == word {
				return f
			}
		}
	}
	return nil
}

func flagsOf(n *kong.Node) (list []candidate) {
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			list = append(list, candidate{"--" + f.Name, oneSentence(f.Help)})
		}
	}
	return list
}

func commandsOf(n *kong.Node) (list []candidate) {
	for _, child := range n.Children {
		if !child.Hidden {
			list = append(list, candidate{child.Name, oneSentence(child.Help)})
		}
	}
	return list
}

func valuesOf(v *kong.Value, prefix string) (list []candidate) {
	if v.Enum == "" {
		return nil
	}
	for _, value := range v.EnumSlice() {
		if value != "" {
			list = append(list, candidate{prefix + value, ""})
		}
	}
	return list
}

// oneSentence returns the first sentence of a help text, without its full stop.
func oneSentence(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(strings.Join(strings.Fields(sentence), " "), ".")
}
