package record

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Of an error's text the first line is stored, up to 1 KiB: the rest of a panic is its stack.
func TestErrorText(t *testing.T) {
	for text, want := range map[string]string{
		"scheduler: no place":                   "scheduler: no place",
		"scheduler: panic: cheese\ngoroutine 7": "scheduler: panic: cheese",
		strings.Repeat("a", 2000):               strings.Repeat("a", 1024),
		strings.Repeat("ü", 1000):               strings.Repeat("ü", 512),
		"a" + strings.Repeat("ü", 1000):         "a" + strings.Repeat("ü", 511), // no half of a letter
	} {
		x := plainTask{Info: task.Info{Spec: task.Spec{ID: "a"}, State: task.StateFailed, Err: errors.New(text)}}
		_, tasks, err := decodeAll(encodeAll(t, Framework{}, []plainTask{x}))
		require.NoError(t, err)
		require.EqualError(t, tasks[0].Info.Err, want)
	}
}
