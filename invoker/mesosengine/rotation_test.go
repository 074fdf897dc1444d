package mesosengine_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

// prints runs an activation that prints lines, and returns how its log follows.
func (p *pool) prints(a *invoker.Action, steps string) (log func() string, container string) {
	params, err := json.Marshal(map[string]string{"do": steps})
	require.NoError(p, err)
	r, err := p.Invoke(p.Context(), a, invoker.Activation{Params: params})
	require.NoError(p, err)
	return func() string {
		var b strings.Builder
		for line, err := range r.Logs.Lines(p.Context()) {
			require.NoError(p, err)
			b.WriteString(line.Log + "\n")
		}
		return b.String()
	}, r.Container
}

// Logs of activations over rotations of the output by a logger of the agent.
func TestLogsOverRotations(t *testing.T) {
	const lost = " bytes of stdout or more are lost here.\n"
	inPool(t, invoker.Config{}, mesosfake.Config{}, func(p *pool) {
		a := action("a", "do")
		first, id := p.prints(a, "out first")
		require.Equal(t, "first\n", first())
		rotate := func() { require.NoError(t, p.RotateOutput(id, "stdout")) }
		says := func(want, steps string) {
			t.Helper()
			log, container := p.prints(a, steps)
			require.Equal(t, id, container)
			require.Equal(t, want, log())
		}
		rotate() // behind a sentinel
		says("second\n", "out second")

		// In the middle of an activation: the new file is longer when it is read.
		go func() {
			time.Sleep(time.Second)
			rotate()
		}()
		many := strings.Repeat("many\n", 30)
		says("a\n"+many, "out a\nsleep 2s"+strings.Repeat("\nout many", 30))

		// Between an activation and its sentinel.
		go func() {
			time.Sleep(20 * time.Millisecond)
			rotate()
		}()
		says("b\n", "out b\nlate-sentinel 40ms")

		// Twice: what was between is lost, and with it perhaps a sentinel, so that the container is serial.
		go func() {
			time.Sleep(time.Second)
			rotate()
			time.Sleep(time.Second)
			rotate()
		}()
		log, _ := p.prints(a, "out c\nsleep 1500ms\nout d\nsleep 1500ms"+strings.Repeat("\nout many", 30))
		require.Regexp(t, "^[0-9]+"+lost+many+"$", log())
		says("e\n", "out e")
		rotate()
		rotate()
		says("f\n", "out f") // the sizes of a stream are known however often it was rotated
	})
}
