package controlapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// checkJSON refuses what package encoding/json accepts, although two readers could understand it in two ways or it would
// need much memory: several values, a name that comes twice in an object, also in upper and lower case, and deep nesting.
func checkJSON(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // of any size
	var n nesting
	for done := false; ; done = len(n) == 0 {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && done:
			return nil
		case err != nil:
			return fail(scheduler.CodeInvalid, "the body is not JSON: %v", err)
		case done:
			return fail(scheduler.CodeInvalid, "something follows the JSON value of the body")
		}
		if err := n.add(token); err != nil {
			return err
		}
	}
}

// nesting are the objects and arrays around a token of JSON, the innermost last.
type nesting []container

type container struct {
	names map[string]bool // in an object, so far; nil: an array
	named bool            // the last token was a name
	last  string          // that name
	exact bool            // upper and lower case make a difference: it is a map
}

// isMap reports whether an object that begins here has names of the user's own.
func (n nesting) isMap() bool {
	if len(n) == 0 {
		return false
	}
	switch fold(n[len(n)-1].last) {
	case "env", "labels", "scalars", "secrets":
		return true
	}
	return false
}

// fold returns what names of fields have in common that package encoding/json takes for the same.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// add takes the next token.
func (n *nesting) add(token json.Token) error {
	switch token {
	case json.Delim('{'), json.Delim('['):
		if len(*n) == maxDepth {
			return fail(scheduler.CodeInvalid, "the body is nested more than %d deep", maxDepth)
		}
		open := container{}
		if token == json.Delim('{') {
			open.names, open.exact = map[string]bool{}, n.isMap()
		}
		*n = append(*n, open)
		return nil
	case json.Delim('}'), json.Delim(']'):
		*n = (*n)[:len(*n)-1]
	}
	if len(*n) == 0 {
		return nil
	}
	in := &(*n)[len(*n)-1]
	if name, text := token.(string); text && in.names != nil && !in.named {
		in.last = name
		if !in.exact { // as package encoding/json takes the names of fields
			name = fold(name)
		}
		if in.names[name] {
			return invalid(in.last, "", "comes twice in an object")
		}
		in.names[name], in.named = true, true
		return nil
	}
	in.named = false
	return nil
}
