package archtest

import (
	"fmt"
	"slices"
)

// breach is something that a rule does not allow.
type breach struct {
	what  string   // without lines, for exceptions
	files []string // base names, if the same is done in several
	text  string   // for messages
}

// exception is a breach of a rule that is sound, or known and waits to be mended.
type exception struct {
	what   string
	files  []string // exactly those
	reason string
}

// excepted drops the breaches that are excepted, and adds the exceptions that are not needed.
func excepted(all []breach, exceptions []exception) []string {
	needed := make([]bool, len(exceptions))
	var left []string
	for _, b := range all {
		at := slices.IndexFunc(exceptions, func(x exception) bool { return x.what == b.what && slices.Equal(x.files, b.files) })
		if at < 0 {
			left = append(left, b.text)
			continue
		}
		needed[at] = true
	}
	for i, x := range exceptions {
		if !needed[i] {
			left = append(left, fmt.Sprintf("no need for the exception %q %v", x.what, x.files))
		}
	}
	return left
}
