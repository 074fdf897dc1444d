package task_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// valid uses everything that a spec has.
func valid() task.Spec {
	return task.Spec{
		ID: "web 1-ü", Name: "web", Role: "prod", CPUs: 0.5, Mem: 64, Disk: 10, GPUs: 1,
		Ports: []task.Port{{Container: 80}, {Container: 53, Protocol: "udp"}},
		Container: &task.Container{
			Image: "registry:5000/nginx:1.27", ForcePull: true, Network: "overlay",
			Parameters: []task.Parameter{{Key: "label", Value: "team=blue"}},
		},
		Command: task.Command{
			Argv: []string{"nginx", ""}, Env: map[string]string{"A": "", "B": "x=y"},
			URIs: []task.URI{{Value: "http://h/f.tgz", Extract: true}}, User: "nobody",
		},
		Constraints: []task.Constraint{{Attribute: "rack", Operator: task.Like, Value: "r[12]"}, {Attribute: "zone", Operator: task.Unlike}},
		HealthCheck: &task.HealthCheck{Port: 0, Delay: time.Second},
		Labels:      map[string]string{"team": ""},
	}
}

func TestValidateAccepts(t *testing.T) {
	require.NoError(t, valid().Validate())
	for reason, change := range map[string]func(*task.Spec){
		"ID of 255 bytes":                      func(s *task.Spec) { s.ID = strings.Repeat("x", 255) },
		"ID of three dots":                     func(s *task.Spec) { s.ID = "..." },
		"C1 control characters are no iscntrl": func(s *task.Spec) { s.ID = "a\u0085b" },
		"only ports":                           func(s *task.Spec) { s.CPUs, s.Mem, s.Disk, s.GPUs = 0, 0, 0, 0 },
		"no cpus":                              func(s *task.Spec) { s.CPUs = 0 },
		"the smallest amount":                  func(s *task.Spec) { s.CPUs = 0.001 },
		"rounds up to the smallest amount":     func(s *task.Spec) { s.CPUs = 0.0005 },
		"the largest amount":                   func(s *task.Spec) { s.Mem = 1e12 },
		"a container without command":          func(s *task.Spec) { s.Command = task.Command{} },
		"an empty first argument of an image":  func(s *task.Spec) { s.Command.Argv = []string{""} },
		"host network without container ports": func(s *task.Spec) {
			s.Container.Network, s.Ports = task.Host, []task.Port{{}}
		},
		"no network without ports": func(s *task.Spec) {
			s.Container.Network, s.Ports, s.HealthCheck = "none", nil, nil
		},
		"a plain shell command": func(s *task.Spec) {
			s.Container, s.Ports, s.Command = nil, []task.Port{{Protocol: "tcp"}}, task.Command{Shell: "sleep 1"}
		},
	} {
		s := valid()
		change(&s)
		require.NoError(t, s.Validate(), reason)
	}
}

func TestValidateRefuses(t *testing.T) {
	type spec = task.Spec
	plain := func(s *spec) {
		s.Container, s.Ports, s.HealthCheck = nil, nil, nil
		s.Command = task.Command{Shell: "true"}
	}
	for _, c := range []struct {
		change func(*spec)
		want   string
	}{
		{func(s *spec) { s.ID = "" }, `task: ID: "": must not be empty`},
		{func(s *spec) { s.ID = "." }, `task: ID: ".": must not be a special directory`},
		{func(s *spec) { s.ID = ".." }, `task: ID: "..": must not be a special directory`},
		{func(s *spec) { s.ID = "a/b" }, `task: ID: "a/b": must not contain slashes, backslashes or control characters`},
		{func(s *spec) { s.ID = `a\b` }, `task: ID: "a\\b": must not contain slashes, backslashes or control characters`},
		{func(s *spec) { s.ID = "a\tb" }, `task: ID: "a\tb": must not contain slashes, backslashes or control characters`},
		{func(s *spec) { s.ID = "a\x00" }, `task: ID: "a\x00": must not contain slashes, backslashes or control characters`},
		{func(s *spec) { s.ID = "a\x7f" }, `task: ID: "a\x7f": must not contain slashes, backslashes or control characters`},
		{func(s *spec) { s.ID = "a\xff" }, `task: ID: "a\xff": must be valid UTF-8`},
		{
			func(s *spec) { s.ID = strings.Repeat("ü", 128) },
			`task: ID: "` + strings.Repeat("ü", 32) + `"…: must not be longer than 255 bytes, has 256`,
		},

		{func(s *spec) { s.CPUs = -0.5 }, "task: CPUs: -0.5: must not be negative"},
		{func(s *spec) { s.Mem = -1 }, "task: Mem: -1: must not be negative"},
		{func(s *spec) { s.Mem = math.NaN() }, "task: Mem: NaN: must be a finite number"},
		{func(s *spec) { s.GPUs = math.NaN() }, "task: GPUs: NaN: must be a finite number"},
		{func(s *spec) { s.Disk = math.Inf(1) }, "task: Disk: +Inf: must be a finite number"},
		{func(s *spec) { s.Disk = math.Inf(-1) }, "task: Disk: -Inf: must be a finite number"},
		{func(s *spec) { s.CPUs = 0.0004 }, "task: CPUs: 0.0004: must be 0 or at least 0.001: Mesos keeps three decimal digits"},
		{func(s *spec) { s.Disk = 1.1e12 }, "task: Disk: 1.1e+12: must not be greater than 1e12"},
		{func(s *spec) { s.GPUs = 1.5 }, "task: GPUs: 1.5: must be a whole number"},
		{
			func(s *spec) { plain(s); s.CPUs, s.Mem, s.Disk, s.GPUs = 0, 0, 0, 0 },
			"task: CPUs: 0: must be positive, or one of Mem, Disk, GPUs, Scalars and Ports asked for: Mesos refuses a task without resources",
		},

		{func(s *spec) { s.Ports[1].Protocol = "sctp" }, `task: Ports[1].Protocol: "sctp": must be "tcp" or "udp"`},
		{
			func(s *spec) { s.Container.Network = task.Host; s.Ports[1].Container = 0 },
			"task: Ports[0].Container: 80: must be 0 without a container on a bridge or user network: nothing is mapped",
		},
		{
			func(s *spec) { plain(s); s.Ports = []task.Port{{Container: 80}} },
			"task: Ports[0].Container: 80: must be 0 without a container on a bridge or user network: nothing is mapped",
		},
		{func(s *spec) { s.Container.Network = "none" }, `task: Ports: 2: must be empty on network "none"`},

		{func(s *spec) { s.Container.Image = "" }, `task: Container.Image: "": must not be empty`},
		{func(s *spec) { s.Container.Image = "nginx " }, `task: Container.Image: "nginx ": must not contain white space`},
		{func(s *spec) { s.Container.Network = " " }, `task: Container.Network: " ": must be the name of a network, without white space`},
		{func(s *spec) { s.Container.Parameters[0].Key = "" }, `task: Container.Parameters[0].Key: "": must not be empty`},
		{func(s *spec) { s.Container.Parameters[0].Key = "--label" }, `task: Container.Parameters[0].Key: "--label": must be written without leading dashes`},
		{func(s *spec) { s.Container.Parameters[0].Key = "name" }, `task: Container.Parameters[0].Key: "name": must not be set: Mesos names the container`},
		{func(s *spec) { s.Container.Parameters[0].Key = "net" }, `task: Container.Parameters[0].Key: "net": must not be set: use Container.Network`},
		{func(s *spec) { s.Container.Parameters[0].Key = "network" }, `task: Container.Parameters[0].Key: "network": must not be set: use Container.Network`},

		{func(s *spec) { s.Command.Shell = "true" }, `task: Command.Shell: "true": must not be set together with Argv`},
		{func(s *spec) { plain(s); s.Command.Shell = "exit 3\x00; exit 4" }, `task: Command.Shell: "exit 3\x00; exit 4": must not contain a zero byte`},
		{func(s *spec) { s.Command.Argv[1] = "a\x00b" }, `task: Command.Argv[1]: "a\x00b": must not contain a zero byte`},
		{func(s *spec) { plain(s); s.Command.Shell = "" }, `task: Command: "": must have Shell or Argv, since there is no container`},
		{func(s *spec) { plain(s); s.Command = task.Command{Argv: []string{""}} }, `task: Command.Argv[0]: "": must name a program`},
		{func(s *spec) { s.Command.Env[""] = "x" }, `task: Command.Env: "": must not have an empty key`},
		{func(s *spec) { s.Command.Env["A=B"] = "x" }, `task: Command.Env: "A=B": must not contain '=' or a zero byte in a name`},
		{func(s *spec) { s.Command.Env["C"] = "x\x00" }, `task: Command.Env: "C": must not have a zero byte in its value`},
		{func(s *spec) { s.Command.URIs[0].Value = "" }, `task: Command.URIs[0].Value: "": must not be empty`},
		{func(s *spec) { s.Command.URIs[0].Value = "/it's" }, `task: Command.URIs[0].Value: "/it's": must not contain backslashes, single quotes or zero bytes`},
		{func(s *spec) { s.Command.URIs[0].Value = "http://h:80" }, `task: Command.URIs[0].Value: "http://h:80": must have a path after the host`},
		{func(s *spec) { s.Command.User = "me\x00" }, `task: Command.User: "me\x00": must not contain a zero byte`},
		{
			func(s *spec) { s.Command.URIs[0].Executable = true },
			`task: Command.URIs[0].Extract: "http://h/f.tgz": must not be set together with Executable: Mesos would not extract it`,
		},

		{func(s *spec) { s.Constraints[1].Attribute = "" }, `task: Constraints[1].Attribute: "": must not be empty`},
		{func(s *spec) { s.Constraints[0].Operator = "like" }, `task: Constraints[0].Operator: "like": must be LIKE or UNLIKE`},
		{
			func(s *spec) { s.Constraints[0].Value = "(" },
			"task: Constraints[0].Value: \"(\": must be a regular expression: error parsing regexp: missing closing ): `(`",
		},

		{func(s *spec) { s.HealthCheck.Port = 2 }, "task: HealthCheck.Port: 2: must be an index into Ports, which has 2"},
		{func(s *spec) { s.HealthCheck.Port = -1 }, "task: HealthCheck.Port: -1: must be an index into Ports, which has 2"},
		{func(s *spec) { s.HealthCheck.Port = 1 }, "task: HealthCheck.Port: 1: must not be a udp port: the check is over TCP"},
		{func(s *spec) { s.HealthCheck.Delay = -time.Second }, "task: HealthCheck.Delay: -1s: must not be negative"},
		{func(s *spec) { s.HealthCheck.GracePeriod = math.MaxInt64 }, "task: HealthCheck.GracePeriod: 2562047h47m16.854775807s: must not be longer than 100 years: Mesos' clock would overflow"},
		{func(s *spec) { s.HealthCheck.Interval = -1 }, "task: HealthCheck.Interval: -1ns: must not be negative"},
		{func(s *spec) { s.HealthCheck.Timeout = -1 }, "task: HealthCheck.Timeout: -1ns: must not be negative"},
		{func(s *spec) { s.HealthCheck.GracePeriod = -1 }, "task: HealthCheck.GracePeriod: -1ns: must not be negative"},
		{func(s *spec) { s.HealthCheck.ConsecutiveFailures = -1 }, "task: HealthCheck.ConsecutiveFailures: -1: must not be negative"},
		{
			func(s *spec) { s.HealthCheck.ConsecutiveFailures = 1 << 32 },
			"task: HealthCheck.ConsecutiveFailures: 4294967296: must fit into 32 bits",
		},

		{func(s *spec) { s.Labels[""] = "x" }, `task: Labels: "": must not have an empty key`},
	} {
		s := valid()
		c.change(&s)
		err := s.Validate()
		require.EqualError(t, err, c.want)
		var field *task.FieldError
		require.True(t, errors.As(err, &field))
		require.Equal(t, c.want, field.Error())
	}
}

// All violations are told at once.
func TestValidateJoins(t *testing.T) {
	err := task.Spec{Mem: -1, HealthCheck: &task.HealthCheck{}}.Validate()
	var fields []string
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	for _, each := range joined.Unwrap() {
		var field *task.FieldError
		require.ErrorAs(t, each, &field)
		fields = append(fields, field.Field)
	}
	require.Equal(t, []string{"ID", "Mem", "Command", "HealthCheck.Port"}, fields)
}

func ExampleSpec_Validate() {
	err := task.Spec{
		ID:          "web/1",
		Mem:         -1,
		Container:   &task.Container{Image: "nginx"},
		Ports:       []task.Port{{Container: 80}},
		HealthCheck: &task.HealthCheck{Port: 1},
	}.Validate()
	fmt.Println(err)
	// Output:
	// task: ID: "web/1": must not contain slashes, backslashes or control characters
	// task: Mem: -1: must not be negative
	// task: HealthCheck.Port: 1: must be an index into Ports, which has 1
}
