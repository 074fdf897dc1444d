package mesosengine

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/task"
)

var update = flag.Bool("update", false, "write the golden files")

// What each setting makes of a container, as the task that Mesos gets to see.
func TestTaskSpec(t *testing.T) {
	managed := invoker.Spec{
		Name: "wsk0_7_guest_hello", Shape: invoker.Shape{Kind: "nodejs:20", Image: "openwhisk/action-nodejs-v20", Memory: 256}, CPUs: 0.25,
		Labels: map[string]string{"invoker.owner": "prod"},
	}
	user := managed
	user.Kind, user.Image, user.UserImage = "blackbox", "jane/skeleton", true
	with := func(s invoker.Spec, change func(*invoker.Spec)) invoker.Spec {
		change(&s)
		return s
	}
	constraint := func(text string) []task.Constraint {
		c, err := task.ParseConstraint(text, " ")
		require.NoError(t, err)
		return []task.Constraint{c}
	}
	for name, c := range map[string]struct {
		config Config
		spec   invoker.Spec
	}{
		"defaults":              {Config{}, managed},
		"user-image":            {Config{}, user},
		"user-image-with-tag":   {Config{}, with(user, func(s *invoker.Spec) { s.Image = "jane/skeleton:1.2" })},
		"role":                  {Config{Role: "openwhisk"}, managed},
		"network-bridge":        {Config{Network: "BRIDGE"}, managed},
		"network-host":          {Config{Network: "Host"}, managed},
		"network-user":          {Config{Network: "Overlay"}, managed},
		"dns":                   {Config{DNSServers: []string{"10.0.0.2", "10.0.0.1"}, DNSSearch: []string{"example.org"}, DNSOptions: []string{"ndots:1"}}, managed},
		"parameters":            {Config{Parameters: []task.Parameter{{Key: "--read-only", Value: "true"}, {Key: "cap-drop", Value: "ALL"}}}, managed},
		"no-parameters":         {Config{Parameters: []task.Parameter{}}, managed},
		"environment":           {Config{}, with(managed, func(s *invoker.Spec) { s.Env = map[string]string{"__OW_API_HOST": "https://example.org"} })},
		"registry":              {Config{Registry: "registry.example.org:5000/", UserRegistry: "user.example.org"}, managed},
		"user-registry":         {Config{Registry: "registry.example.org:5000/", UserRegistry: "user.example.org"}, user},
		"constraints":           {Config{Constraints: constraint("rack LIKE r1"), UserConstraints: constraint("rack LIKE r2")}, managed},
		"blackbox-constraints":  {Config{Constraints: constraint("rack LIKE r1"), UserConstraints: constraint("rack LIKE r2")}, user},
		"no-blackbox-constr":    {Config{Constraints: constraint("rack LIKE r1")}, user},
		"health-check":          {Config{HealthCheck: &task.HealthCheck{Interval: time.Second, GracePeriod: 25 * time.Second}}, managed},
		"ucr":                   {Config{Mode: UCR}, managed},
		"ucr-user-network":      {Config{Mode: UCR, Network: "overlay"}, managed},
		"command":               {Config{Mode: Command, Commands: map[string]task.Command{"nodejs:20": {Argv: []string{"./runtime"}, Env: map[string]string{"A": "1"}, URIs: []task.URI{{Value: "http://files/runtime", Executable: true}}}}}, with(managed, func(s *invoker.Spec) { s.Env = map[string]string{"B": "2"} })},
		"docker-with-a-command": {Config{Commands: map[string]task.Command{"nodejs:20": {Argv: []string{"--port", "8080"}}}}, managed},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := c.config.complete()
			require.NoError(t, err)
			spec := config.taskSpec("prod-1-1", c.spec)
			require.NoError(t, spec.Validate())
			got, err := json.MarshalIndent(spec, "", "  ")
			require.NoError(t, err)
			golden := filepath.Join("testdata", "spec-"+name+".json")
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got)+"\n")
		})
	}
}

// A config is not shared with the specs that are made from it.
func TestTaskSpecSharesNoMaps(t *testing.T) {
	commands := map[string]task.Command{"k": {Shell: "serve", Env: map[string]string{"A": "1"}}}
	config, err := Config{Mode: Command, Commands: commands}.complete()
	require.NoError(t, err)
	first := config.taskSpec("a", invoker.Spec{Shape: invoker.Shape{Kind: "k"}, Env: map[string]string{"A": "2", "B": "3"}})
	require.Equal(t, map[string]string{"A": "2", "B": "3"}, first.Command.Env)
	require.Equal(t, map[string]string{"A": "1"}, config.taskSpec("b", invoker.Spec{Shape: invoker.Shape{Kind: "k"}}).Command.Env)
}

func TestMistakesInConfig(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   []string
	}{
		"mode":         {Config{Mode: "podman"}, []string{`mesosengine: Mode is "podman": it is one of "docker", "mesos" and "command"`}},
		"no commands":  {Config{Mode: Command}, []string{`mesosengine: Commands is "": mode command needs the command of each kind`}},
		"no command":   {Config{Mode: Command, Commands: map[string]task.Command{"b": {}, "a": {}}}, []string{`mesosengine: Commands["a"] is "": it has neither Shell nor Argv`, `mesosengine: Commands["b"] is "": it has neither Shell nor Argv`}},
		"network":      {Config{Mode: Command, Network: "bridge", Commands: map[string]task.Command{"a": {Shell: "x"}}}, []string{`mesosengine: Network is "bridge": commands use the network of the agent`}},
		"dns with UCR": {Config{Mode: UCR, DNSServers: []string{"10.0.0.1"}}, []string{`mesosengine: Parameters is "dns": options of docker run are for mode docker`}},
		"constraints": {
			Config{Constraints: []task.Constraint{{Attribute: "a", Operator: "LIKES", Value: "b"}}, UserConstraints: []task.Constraint{{Attribute: "a", Operator: task.OpLike, Value: "("}}},
			[]string{`mesosengine: Constraints[0] is "a LIKES b": `, `mesosengine: UserConstraints[0] is "a LIKE (": `},
		},
	} {
		_, err := c.config.complete()
		require.Error(t, err, name)
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, len(c.want), name)
		for i, want := range c.want {
			require.Contains(t, lines[i], want, name)
		}
	}
}

func TestRegistryOfAnImage(t *testing.T) {
	for image, want := range map[string]string{
		"nodejs": "r/nodejs", "openwhisk/nodejs:1": "r/openwhisk/nodejs:1", "example.org/nodejs": "example.org/nodejs", "localhost/nodejs": "localhost/nodejs",
		"host:5000/nodejs": "host:5000/nodejs", "a/b/c": "r/a/b/c",
	} {
		require.Equal(t, want, inRegistry("r", image))
		require.Equal(t, want, inRegistry("r/", image))
		require.Equal(t, image, inRegistry("", image))
	}
	for image, want := range map[string]bool{
		"a": true, "a/b": true, "a:latest": true, "h:5000/a": true, "h:5000/a:latest": true, "a:1": false, "h:5000/a:1": false, "a@sha256:00": false, "a:latest@sha256:00": false,
	} {
		require.Equal(t, want, movable(image), image)
	}
}
