package main

import (
	"errors"
	"fmt"
	"slices"

	"inorder/internal/loglimit"
	"inorder/internal/refused"
	"inorder/internal/webhooks/secrets"
	"inorder/internal/words"
)

// maxOthers is how many secrets --secrets-file may have: trying one takes up to a tenth of a second.
const maxOthers = 100

func (c *doctorCmd) validateSecretsFile() error {
	switch {
	case c.SecretsFile == nil:
	case *c.SecretsFile == "":
		return errors.New("--secrets-file needs the path of a file with one secret a line, or - for standard input")
	case c.Delivery == "":
		return errors.New("--secrets-file is for a delivery in a file: give its path")
	case isNumber(c.Delivery):
		return errors.New("--secrets-file is for a delivery in a file: the body of a kept delivery is gone, so no more secrets can be tried (./17 is a file)")
	case c.Delivery == "-" && *c.SecretsFile == "-":
		return errors.New("standard input holds either the delivery or the secrets: give a file for one of them")
	}
	return nil
}

// otherKeys returns the secrets of --secrets-file; none without it.
func (c *doctorCmd) otherKeys(std streams) (keys []refused.Key, err error) {
	if c.SecretsFile == nil {
		return nil, nil
	}
	others, err := secrets.ReadFile("--secrets-file", *c.SecretsFile, std.in)
	switch {
	case err != nil:
		return nil, &usageError{err.Error()}
	case len(others) > maxOthers:
		return nil, &usageError{fmt.Sprintf("--secrets-file: %s holds %s, but at most %d can be tried", *c.SecretsFile, words.Count(len(others), "secret"), maxOthers)}
	}
	for _, o := range others {
		keys = append(keys, refused.Key{Secret: o.Secret, Name: o.Name, Source: o.Source, Unknown: true})
	}
	return keys, nil
}

// without returns the keys that are not among the known ones.
func without(keys, known []refused.Key) []refused.Key {
	return slices.DeleteFunc(keys, func(k refused.Key) bool {
		return slices.ContainsFunc(known, func(other refused.Key) bool { return other.Secret == k.Secret })
	})
}

// whyUnread returns which secrets could not be tried, and why.
func whyUnread(u secrets.Unread) string { return u.String() + ": " + loglimit.OneLine(u.Cause) }
