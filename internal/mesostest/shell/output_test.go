package shell

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

func TestOutputOfPrograms(t *testing.T) {
	for _, test := range []struct {
		why, script string
		want        map[string]string // files and what is in them
	}{
		{"a line for each", "echo a b; echo", map[string]string{"stdout": "a b\n\n"}},
		{"no line end", "echo -n a", map[string]string{"stdout": "a"}},
		{"quotes and variables", `A=x; echo "$A '$A'" '$A'`, map[string]string{"stdout": "x 'x' $A\n"}},
		{"printf", `printf '%s=%d\n\t\\100%%' a 1 b`, map[string]string{"stdout": "a=1\n\t\\100%"}},
		{"printf at the end of its wits", `printf 'a%'; printf`, map[string]string{"stdout": "a%"}},
		{"to the errors", "echo a >&2; echo b 1>&2; echo c >/dev/stderr", map[string]string{"stderr": "a\nb\nc\n"}},
		{"the errors of a command", "nothing; nothing 2>/dev/null", map[string]string{"stderr": "sh: 1: nothing: not found\n"}},
		{"the errors with the output", "nothing >f 2>&1", map[string]string{"f": "sh: 1: nothing: not found\n"}},
		{"the order decides", "nothing 2>&1 >f", map[string]string{"stdout": "sh: 1: nothing: not found\n", "f": ""}},
		{"a new file, then more", "echo a >f; echo b >f; echo c >> f", map[string]string{"f": "b\nc\n"}},
		{"only for one command", "echo a >f; echo b", map[string]string{"f": "a\n", "stdout": "b\n"}},
		{"nowhere", "echo a >/dev/null", map[string]string{}},
		{"into a pipe", "echo a | true; echo b", map[string]string{"stdout": "b\n"}},
		{"of a child", "sh -c 'echo a; echo b >&2' >f; echo c", map[string]string{"f": "a\n", "stderr": "b\n", "stdout": "c\n"}},
		{"of a child that exits early", "sh -c 'echo a >&2; exit 1' 2>f; echo b", map[string]string{"f": "a\n", "stdout": "b\n"}},
		{"of a handler", "trap 'echo bye' TERM; echo hi; sleep 600", map[string]string{"stdout": "hi\nbye\n"}},
		{"a file with nothing in it", "touch f; test -s f || echo empty; echo a >f; test -s f && echo full", map[string]string{"f": "a\n", "stdout": "empty\nfull\n"}},
		{"gone", "echo a >f; rm f", map[string]string{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := interpret(&mesos.CommandInfo{Value: &test.script}, time.Hour, map[time.Duration]string{time.Second: "TERM"})
			have := map[string]string{}
			for name, f := range r.box.Files {
				have[name] = string(f.Data)
			}
			require.Equal(t, test.want, have, test.why)
		})
	}
}
