package whiskconf

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

func TestParseRuntimes(t *testing.T) {
	data, err := os.ReadFile("testdata/runtimes.json")
	require.NoError(t, err)
	r, err := ParseRuntimes(data)
	require.NoError(t, err)
	node := invoker.StemCells{Kind: "nodejs:20", Image: "openwhisk/action-nodejs-v20:1.25.0"}
	small, large := node, node
	small.Memory, small.Initial, small.Min, small.Max = 128, 2, 2, 2
	large.Memory, large.Initial, large.Min, large.Max, large.TTL, large.Threshold, large.Increment = 256, 2, 1, 4, 2*time.Minute, 2, 1
	require.Equal(t, Runtimes{
		Kinds: []Runtime{
			{Kind: "java:8", Family: "java", Image: "registry.example.org:5000/runtimes/java8action", Default: true, RequireMain: true, NoSentinels: true},
			{Kind: "nodejs:14", Family: "nodejs", Image: "action-nodejs-v14", Deprecated: true},
			{Kind: "nodejs:20", Family: "nodejs", Image: "openwhisk/action-nodejs-v20:1.25.0", Default: true, Stems: []invoker.StemCells{small, large}},
		},
		Blackboxes: []string{"openwhisk/dockerskeleton"},
	}, r)
	require.Equal(t, []invoker.StemCells{small, large}, r.Stems())

	runtime, found := r.Kind("nodejs:default")
	require.True(t, found)
	require.Equal(t, "nodejs:20", runtime.Kind)
	runtime, found = r.Kind("java:default") // the only one of its family
	require.True(t, found)
	require.Equal(t, "java:8", runtime.Kind)
	_, found = r.Kind("cobol:default")
	require.False(t, found)
}

// Every mistake is named with its place, and none hides another.
func TestMistakesInRuntimes(t *testing.T) {
	for name, c := range map[string]struct{ manifest, want string }{
		"no JSON":        {`{`, `whiskconf: the manifest of runtimes is not readable: unexpected EOF`},
		"two documents":  {`{"runtimes":{"a":[]}} {}`, `whiskconf: the manifest of runtimes goes on after its end`},
		"nothing":        {`{}`, `whiskconf: runtimes of the manifest of runtimes is "": it is missing, or empty`},
		"no kind":        {`{"runtimes":{"a":[{"image":{"name":"i"}}]}}`, `whiskconf: runtimes.a[0].kind of the manifest of runtimes is "": it is missing`},
		"no image":       {`{"runtimes":{"a":[{"kind":"a:1"}]}}`, `whiskconf: runtimes.a[0].image.name of the manifest of runtimes is "": it is missing`},
		"no default":     {`{"runtimes":{"a":[{"kind":"a:1","image":{"name":"i"}},{"kind":"a:2","image":{"name":"i"}}]}}`, `whiskconf: runtimes.a of the manifest of runtimes is "0": exactly one of several runtimes is the default`},
		"two of a kind":  {`{"runtimes":{"a":[{"kind":"a:1","image":{"name":"i"}}],"b":[{"kind":"a:1","image":{"name":"i"}}]}}`, `whiskconf: runtimes.b[0].kind of the manifest of runtimes is "a:1": it is also that of runtimes.a[0]`},
		"blackbox":       {`{"runtimes":{"a":[{"kind":"a:1","image":{"name":"i"}}]},"blackboxes":[{}]}`, `whiskconf: blackboxes[0].name of the manifest of runtimes is "": it is missing`},
		"stem: no count": {stems(`{"memory":"256 MB"}`), `whiskconf: runtimes.a[0].stemCells[0].initialCount of the manifest of runtimes is "": it is a whole number from 0 on, and required`},
		"stem: memory":   {stems(`{"count":1,"memory":"256"}`), `whiskconf: runtimes.a[0].stemCells[0].memory of the manifest of runtimes is "256": it is not a size, such as "256 m" or "1 GB"`},
		"stem: twice":    {stems(`{"count":1,"memory":"256 m"},{"count":1,"memory":"256 MB"}`), `whiskconf: runtimes.a[0].stemCells[1].memory of the manifest of runtimes is "256 MB": another entry has it as well`},
		"stem: reactive": {
			stems(`{"initialCount":2,"memory":"256 m","reactive":{"minCount":3,"maxCount":1,"ttl":"2","threshold":0,"increment":0}}`),
			`whiskconf: runtimes.a[0].stemCells[0].reactive.ttl of the manifest of runtimes is "2": it is not a duration, such as "45 seconds" or "10 minutes"
whiskconf: runtimes.a[0].stemCells[0].reactive.minCount of the manifest of runtimes is "3": it is from 0 to initialCount
whiskconf: runtimes.a[0].stemCells[0].reactive.maxCount of the manifest of runtimes is "1": it is at least initialCount
whiskconf: runtimes.a[0].stemCells[0].reactive.threshold of the manifest of runtimes is "0": it is at least 1
whiskconf: runtimes.a[0].stemCells[0].reactive.increment of the manifest of runtimes is "0": it is at least 1`,
		},
	} {
		_, err := ParseRuntimes([]byte(c.manifest))
		require.EqualError(t, err, c.want, name)
	}
}

func stems(entries string) string {
	return `{"runtimes":{"a":[{"kind":"a:1","image":{"name":"i"},"stemCells":[` + entries + `]}]}}`
}

func FuzzParseRuntimes(f *testing.F) {
	f.Add([]byte(stems(`{"initialCount":2,"memory":"256 m","reactive":{"minCount":1,"maxCount":3,"ttl":"2 s","threshold":1,"increment":1}}`)))
	f.Add([]byte(`{"runtimes":{"a":[null]},"blackboxes":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRuntimes(data)
		if err != nil {
			require.Empty(t, r)
			return
		}
		for _, s := range r.Stems() {
			require.NotEmpty(t, s.Kind)
			require.NotEmpty(t, s.Image)
			require.Positive(t, s.Memory)
			require.LessOrEqual(t, s.Min, s.Max)
		}
	})
}
