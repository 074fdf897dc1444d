package task_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// valid returns a spec with all fields that are valid for a Docker container.
func valid() task.Spec {
	return task.Spec{
		ID: "web 1-ü", Name: "web", Role: "prod", CPUs: 0.5, Mem: 64, Disk: 10, GPUs: 1, Scalars: map[string]float64{"bandwidth": 1},
		Ports:  []task.Port{{Container: 80, Host: 31000, Name: "web-ui"}, {Container: 53, Protocol: "udp"}},
		Limits: &task.Limits{CPUs: task.Unlimited, Mem: 64},
		Container: &task.Container{
			Image: "registry:5000/nginx:1.27", ForcePull: true, Network: "overlay",
			Volumes: []task.Volume{
				{Path: "/data", HostPath: "/var/data", ReadOnly: true}, {Path: "/scratch", SandboxPath: "scratch"}, {Path: "/tmp", Tmpfs: 64},
			},
			Parameters: []task.Parameter{{Key: "label", Value: "team=blue"}},
		},
		Command: task.Command{
			Argv: []string{"nginx", ""}, Env: map[string]string{"A": "", "B": "x=y"},
			URIs: []task.URI{{Value: "http://h/f.tgz", Extract: true, OutputFile: "files/f.tgz"}}, User: "nobody",
		},
		Constraints: []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"}, {Attribute: "zone", Operator: task.OpUnlike}},
		HealthCheck: &task.HealthCheck{Port: 0, Delay: time.Second, HTTP: &task.HTTPGet{Scheme: "https", Path: "/health"}},
		Labels:      map[string]string{"team": ""},

		MaxCompletionTime: time.Hour, KillPolicy: &task.KillPolicy{}, Discovery: &task.Discovery{Visibility: task.VisibilityExternal},
	}
}

// member returns a member of a pod, with fields that only the Mesos containerizer supports.
func member() task.Spec {
	return task.Spec{
		ID: "web-1", Pod: "web", CPUs: 0.5, Mem: 64, Ports: []task.Port{{Container: 80}},
		Container: &task.Container{
			Containerizer: task.ContainerizerMesos, Network: "overlay",
			Volumes: []task.Volume{{Path: "key", Secret: &task.Secret{Name: "key"}}, {Path: "shared", SandboxPath: "shared"}},
		},
		Command: task.Command{Shell: "true", Secrets: map[string]task.Secret{"TOKEN": {Name: "token", Key: "v1"}, "PIN": {Value: []byte("1234")}}},
		Check:   &task.Check{Command: &task.CheckCommand{Argv: []string{"test", "-e", "x"}, Env: map[string]string{"A": "1"}}},
	}
}

func TestValidateAccepts(t *testing.T) {
	require.NoError(t, valid().Validate())
	require.NoError(t, member().Validate())
	for reason, change := range map[string]func(*task.Spec){
		"ID of 255 bytes":                      func(s *task.Spec) { s.ID = strings.Repeat("x", 255) },
		"ID of three dots":                     func(s *task.Spec) { s.ID = "..." },
		"C1 control characters are no iscntrl": func(s *task.Spec) { s.ID = "a\u0085b" },
		"only ports":                           func(s *task.Spec) { s.CPUs, s.Mem, s.Disk, s.GPUs, s.Scalars, s.Limits = 0, 0, 0, 0, nil, nil },
		"no cpus":                              func(s *task.Spec) { s.CPUs, s.Limits = 0, nil },
		"the smallest amount":                  func(s *task.Spec) { s.CPUs = 0.001 },
		"rounds up to the smallest amount":     func(s *task.Spec) { s.CPUs = 0.0005 },
		"the largest amount":                   func(s *task.Spec) { s.Mem, s.Limits = 1e12, nil },
		"a container without command":          func(s *task.Spec) { s.Command = task.Command{} },
		"an empty first argument of an image":  func(s *task.Spec) { s.Command.Argv = []string{""} },
		"host network without container ports": func(s *task.Spec) {
			s.Container.Network, s.Ports = task.NetworkHost, []task.Port{{}}
		},
		"no network without ports": func(s *task.Spec) {
			s.Container.Network, s.Ports, s.HealthCheck = "none", nil, nil
		},
		"Docker by its name":               func(s *task.Spec) { s.Container.Containerizer = task.ContainerizerDocker },
		"a relative path of a host volume": func(s *task.Spec) { s.Container.Volumes[0].Path = "data" },
		"only a custom scalar": func(s *task.Spec) {
			*s = member()
			s.Limits = nil
			s.CPUs, s.Mem, s.Scalars = 0, 0, map[string]float64{"x": 1}
		},
		"a limit that is more than asked for":   func(s *task.Spec) { s.Limits = &task.Limits{CPUs: 0.6, Mem: 65} },
		"a health check by a shell command":     func(s *task.Spec) { s.HealthCheck = &task.HealthCheck{Command: &task.CheckCommand{Shell: "true"}} },
		"Mesos runs an image without a command": func(s *task.Spec) { *s = member(); s.Container.Image, s.Command = "nginx", task.Command{} },
		"a secret volume may have any bytes": func(s *task.Spec) {
			*s = member()
			s.Container.Volumes[0].Secret = &task.Secret{Value: []byte{0}}
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
		s.Scalars, s.Limits = nil, nil
	}
	mesos := func(s *spec) { *s = member() }
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
			func(s *spec) { plain(s); s.CPUs, s.Mem, s.Disk, s.GPUs, s.Scalars, s.Limits = 0, 0, 0, 0, nil, nil },
			"task: CPUs: 0: must be positive, or one of Mem, Disk, GPUs, Scalars and host Ports asked for: Mesos refuses a task without resources",
		},

		{
			func(s *spec) {
				s.CPUs, s.Mem, s.Disk, s.GPUs, s.Scalars, s.Limits = 0, 0, 0, 0, nil, nil
				s.Ports = []task.Port{{Container: 80, NoHost: true}}
			},
			"task: CPUs: 0: must be positive, or one of Mem, Disk, GPUs, Scalars and host Ports asked for: Mesos refuses a task without resources",
		},

		{func(s *spec) { s.Ports[1].Protocol = "sctp" }, `task: Ports[1].Protocol: "sctp": must be "tcp" or "udp"`},
		{
			func(s *spec) { s.Container.Network = task.NetworkHost; s.Ports[1].Container = 0 },
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

		{func(s *spec) { s.Executor = &task.ExecutorResources{CPUs: -1} }, `task: Executor.CPUs: -1: must not be negative`},
		{func(s *spec) { s.Executor = &task.ExecutorResources{Mem: math.NaN()} }, `task: Executor.Mem: NaN: must be a finite number`},
		{func(s *spec) { s.Executor = &task.ExecutorResources{Disk: 1e13} }, `task: Executor.Disk: 1e+13: must not be greater than 1e12`},
		{func(s *spec) { s.Executor = &task.ExecutorResources{} }, `task: Executor: 0: must ask for something, or be nil`},
		{func(s *spec) { s.Command.Shell = "true" }, `task: Command.Shell: "true": must not be set together with Argv`},
		{func(s *spec) { plain(s); s.Command.Shell = "exit 3\x00; exit 4" }, `task: Command.Shell: "exit 3\x00; exit 4": must not contain a zero byte`},
		{func(s *spec) { s.Command.Argv[1] = "a\x00b" }, `task: Command.Argv[1]: "a\x00b": must not contain a zero byte`},
		{func(s *spec) { plain(s); s.Command.Shell = "" }, `task: Command: "": must have Shell or Argv, since there is no image`},
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
		{func(s *spec) { s.Constraints[0].Operator = "like" }, `task: Constraints[0].Operator: "like": must be LIKE, UNLIKE, IS, IS_NOT, UNIQUE, CLUSTER, GROUP_BY or MAX_PER`},
		{
			func(s *spec) { s.Constraints[0].Value = "(" },
			"task: Constraints[0].Value: \"(\": must be a regular expression in Go's syntax (RE2): error parsing regexp: missing closing ): `(`",
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

		{func(s *spec) { s.Scalars["mem"] = 1 }, `task: Scalars: "mem": must not name a resource that has a field of its own`},
		{func(s *spec) { s.Scalars[""] = 1 }, `task: Scalars: "": must not have an empty key`},
		{func(s *spec) { s.Scalars["bandwidth"] = -1 }, `task: Scalars["bandwidth"]: -1: must not be negative`},
		{func(s *spec) { s.Limits.CPUs = 0.4 }, "task: Limits.CPUs: 0.4: must be Unlimited or at least the 0.5 asked for"},
		{func(s *spec) { s.Limits.Mem = -2 }, "task: Limits.Mem: -2: must be Unlimited or at least the 64 asked for"},
		{func(s *spec) { s.Limits.Mem = math.Inf(1) }, "task: Limits.Mem: +Inf: must be a finite number"},
		{func(s *spec) { s.Limits.Mem = math.NaN() }, "task: Limits.Mem: NaN: must be a finite number"},
		{func(s *spec) { s.CPUs = 0 }, "task: Limits.CPUs: -1: must not be set when nothing is asked for"},
		{func(s *spec) { s.Ports[1].Host = 31000 }, "task: Ports[1].Host: 31000: must not be wanted twice"},
		{
			func(s *spec) { s.Ports[0] = task.Port{Container: 80, Host: 31000, NoHost: true} },
			"task: Ports[0].NoHost: true: must not be set together with Host, which is 31000",
		},
		{func(s *spec) { s.Ports[0] = task.Port{NoHost: true} }, "task: Ports[0].NoHost: true: must be set together with Container: there is no other port"},
		{
			func(s *spec) { s.Container.Network = task.NetworkHost; s.Ports = []task.Port{{NoHost: true}} },
			"task: Ports[0].NoHost: true: must not be set without a container on a bridge or user network: it would have no address of its own",
		},
		{func(s *spec) { s.Ports[1].Name = "1st" }, `task: Ports[1].Name: "1st": must start with an ASCII letter, followed by letters, digits, "-" and "_"`},
		{func(s *spec) { s.Ports[1].Name = "a.b" }, `task: Ports[1].Name: "a.b": must start with an ASCII letter, followed by letters, digits, "-" and "_"`},
		{func(s *spec) { s.Ports[1].Name = "Web_UI" }, `task: Ports[1].Name: "Web_UI": must be unique, apart from case and dashes: it names a variable of the environment`},

		{func(s *spec) { s.Container.Containerizer = "ucr" }, `task: Container.Containerizer: "ucr": must be "docker" or "mesos"`},
		{func(s *spec) { mesos(s); s.Container.ForcePull = true }, "task: Container.ForcePull: true: must not be set without an image"},
		{
			func(s *spec) { mesos(s); s.Container.Network, s.Ports = "none", nil },
			`task: Container.Network: "none": must not be none: the mesos containerizer has nothing like it`,
		},
		{
			func(s *spec) { mesos(s); s.Container.Parameters = []task.Parameter{{Key: "dns", Value: "x"}} },
			"task: Container.Parameters: 1: must be empty: they are options of docker run, which the mesos containerizer would ignore",
		},
		{
			func(s *spec) { mesos(s); s.Container.Network = "" },
			"task: Ports[0].Container: 80: must be 0 without a container on a bridge or user network: nothing is mapped",
		},
		{func(s *spec) { s.Container.Volumes[0].Path = "" }, `task: Container.Volumes[0].Path: "": must not be empty`},
		{func(s *spec) { s.Container.Volumes[0].Path = "a/../../b" }, `task: Container.Volumes[0].Path: "a/../../b": must not contain ".."`},
		{func(s *spec) { s.Container.Volumes[0].Path = "/a\x00" }, `task: Container.Volumes[0].Path: "/a\x00": must not contain a zero byte`},
		{func(s *spec) { s.Container.Volumes[0].Path = "/a:rw" }, `task: Container.Volumes[0].Path: "/a:rw": must not contain a colon: docker would split it there`},
		{func(s *spec) { s.Container.Volumes[0].Path = "/tmp/" }, `task: Container.Volumes[2].Path: "/tmp": must not be that of another volume`},
		{func(s *spec) { s.Container.Volumes[0].HostPath = "data" }, `task: Container.Volumes[0].HostPath: "data": must be absolute`},
		{func(s *spec) { s.Container.Volumes[0].HostPath = "" }, `task: Container.Volumes[0]: "/data": must have one of HostPath, SandboxPath, Tmpfs and Secret, has 0`},
		{func(s *spec) { s.Container.Volumes[0].SandboxPath = "x" }, `task: Container.Volumes[0]: "/data": must have one of HostPath, SandboxPath, Tmpfs and Secret, has 2`},
		{func(s *spec) { s.Container.Volumes[1].SandboxPath = "/x" }, `task: Container.Volumes[1].SandboxPath: "/x": must be relative to the sandbox`},
		{func(s *spec) { s.Container.Volumes[1].SandboxPath = "../x" }, `task: Container.Volumes[1].SandboxPath: "../x": must not contain ".."`},
		{
			func(s *spec) { s.Container.Volumes[1].Path = "x" },
			`task: Container.Volumes[1].Path: "x": must be absolute for a SandboxPath: the task finds it in its sandbox anyway`,
		},
		{
			func(s *spec) { mesos(s); s.Pod = "" },
			`task: Container.Volumes[1].Path: "shared": must be absolute for a SandboxPath: the task finds it in its sandbox anyway`,
		},
		{func(s *spec) { s.Container.Volumes[2].Path = "x" }, `task: Container.Volumes[2].Path: "x": must be absolute for a tmpfs`},
		{func(s *spec) { s.Container.Volumes[2].Tmpfs = -1 }, "task: Container.Volumes[2].Tmpfs: -1: must not be negative"},
		{func(s *spec) { s.Container.Volumes[2].ReadOnly = true }, "task: Container.Volumes[2].ReadOnly: true: must not be set for a tmpfs, which starts empty"},
		{
			func(s *spec) { mesos(s); s.Container.Volumes[0] = task.Volume{Path: "/tmp", Tmpfs: 1} },
			"task: Container.Volumes[0].Tmpfs: 1: must be 0: the mesos containerizer cannot mount a tmpfs",
		},
		{
			func(s *spec) { s.Container.Volumes[2] = task.Volume{Path: "/key", Secret: &task.Secret{Name: "key"}} },
			`task: Container.Volumes[2].Secret: "/key": must not be set: the docker containerizer would ignore the volume`,
		},
		{
			func(s *spec) { mesos(s); s.Container.Volumes[0].Secret = &task.Secret{Key: "k"} },
			`task: Container.Volumes[0].Secret: "k": must have a Name or a Value`,
		},

		{func(s *spec) { s.Command.URIs[0].OutputFile = "/etc/x" }, `task: Command.URIs[0].OutputFile: "/etc/x": must be relative to the sandbox`},
		{func(s *spec) { s.Command.URIs[0].OutputFile = "../x" }, `task: Command.URIs[0].OutputFile: "../x": must not contain ".."`},
		{func(s *spec) { s.Command.URIs[0].OutputFile = "x\x00" }, `task: Command.URIs[0].OutputFile: "x\x00": must not contain a zero byte`},
		{
			func(s *spec) { s.Command.Secrets = map[string]task.Secret{"X": {Name: "x"}} },
			"task: Command.Secrets: 1: must be empty: the docker containerizer would leave the variables empty",
		},
		{func(s *spec) { mesos(s); s.Command.Secrets[""] = task.Secret{Name: "x"} }, `task: Command.Secrets: "": must not have an empty key`},
		{func(s *spec) { mesos(s); s.Command.Secrets["A="] = task.Secret{Name: "x"} }, `task: Command.Secrets: "A=": must not contain '=' or a zero byte in a name`},
		{func(s *spec) { mesos(s); s.Command.Secrets["X"] = task.Secret{} }, `task: Command.Secrets["X"]: "": must have a Name or a Value`},
		{
			func(s *spec) { mesos(s); s.Command.Secrets["X"] = task.Secret{Name: "n", Value: []byte("hidden")} },
			`task: Command.Secrets["X"]: "n": must not have both a Value and a reference`,
		},
		{func(s *spec) { mesos(s); s.Command.Secrets["X"] = task.Secret{Value: []byte("a\x00")} }, `task: Command.Secrets: "X": must not have a zero byte in its value`},
		{func(s *spec) { mesos(s); s.Command.Env = map[string]string{"PIN": ""} }, `task: Command.Secrets: "PIN": must not be in Env, too`},

		{func(s *spec) { mesos(s); s.Pod = "a/b" }, `task: Pod: "a/b": must not contain slashes, backslashes or control characters`},
		{func(s *spec) { s.Pod = "web" }, `task: Container.Containerizer: "docker": must be "mesos" in a pod`},
		{func(s *spec) { s.MaxCompletionTime = -1 }, "task: MaxCompletionTime: -1ns: must not be negative"},
		{func(s *spec) { s.KillPolicy.GracePeriod = -1 }, "task: KillPolicy.GracePeriod: -1ns: must not be negative"},
		{func(s *spec) { s.Discovery.Visibility = "all" }, `task: Discovery.Visibility: "all": must be FRAMEWORK, CLUSTER or EXTERNAL`},
		{func(s *spec) { s.Discovery.Labels = map[string]string{"": "x"} }, `task: Discovery.Labels: "": must not have an empty key`},

		{func(s *spec) { s.HealthCheck.HTTP.Scheme = "ftp" }, `task: HealthCheck.HTTP.Scheme: "ftp": must be "http" or "https"`},
		{func(s *spec) { s.HealthCheck.HTTP.Path = "x" }, `task: HealthCheck.HTTP.Path: "x": must start with a slash`},
		{func(s *spec) { s.HealthCheck.HTTP.Path = "/x\x00" }, `task: HealthCheck.HTTP.Path: "/x\x00": must not contain a zero byte`},
		{
			func(s *spec) { s.HealthCheck.Command = &task.CheckCommand{Shell: "true"} },
			`task: HealthCheck.HTTP: "/health": must not be set together with Command`,
		},
		{
			func(s *spec) { s.HealthCheck = &task.HealthCheck{Port: 1, Command: &task.CheckCommand{Shell: "true"}} },
			"task: HealthCheck.Port: 1: must not be set together with Command",
		},
		{
			func(s *spec) { s.HealthCheck = &task.HealthCheck{Command: &task.CheckCommand{}} },
			`task: HealthCheck.Command: "": must have Shell or Argv`,
		},
		{
			func(s *spec) {
				s.HealthCheck = &task.HealthCheck{Command: &task.CheckCommand{Shell: "true", Env: map[string]string{"A": "1"}}}
			},
			"task: HealthCheck.Command.Env: 1: must be empty: the docker containerizer would not pass it to the container",
		},
		{func(s *spec) { s.Check = &task.Check{} }, `task: Check: "docker": must not be set: the docker containerizer's executor aborts on it; use HealthCheck`},
		{func(s *spec) { mesos(s); s.Check = &task.Check{Port: 1} }, "task: Check.Port: 1: must be an index into Ports, which has 1"},
		{
			func(s *spec) { mesos(s); s.Check = &task.Check{HTTP: &task.HTTPGet{Scheme: "https"}} },
			`task: Check.HTTP.Scheme: "https": must be "http": Mesos has https for health checks only`,
		},
		{func(s *spec) { mesos(s); s.Check.Interval = -1 }, "task: Check.Interval: -1ns: must not be negative"},
		{func(s *spec) { mesos(s); s.Check.Command.Argv[0] = "" }, `task: Check.Command.Argv[0]: "": must name a program`},

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

func TestValidatePod(t *testing.T) {
	pod := func() []task.Spec {
		a, b := member(), member()
		b.ID, b.Ports = "web-2", []task.Port{{Container: 80, Protocol: "udp"}, {}}
		return []task.Spec{a, b}
	}
	require.NoError(t, task.ValidatePod(pod()))
	for _, c := range []struct {
		change func(members []task.Spec)
		want   string
	}{
		{func(m []task.Spec) { m[1].Pod = "other" }, `task: Pod[1].Pod: "other": must be the name of the pod, the same for all members`},
		{func(m []task.Spec) { m[1].Role = "prod" }, `task: Pod[1].Role: "prod": must be the same for all members`},
		{func(m []task.Spec) { m[1].Group = "g" }, `task: Pod[1].Group: "g": must be the same for all members: a pod counts as one`},
		{func(m []task.Spec) { m[1].Revocable = true }, "task: Pod[1].Revocable: true: must be the same for all members"},
		{func(m []task.Spec) { m[1].Container = nil }, `task: Pod[1].Container.Network: "host": must be the same for all members: they share it`},
		{func(m []task.Spec) { m[1].ID = "web-1" }, `task: Pod[1].ID: "web-1": must be unique among the members, and not the name of the pod`},
		{func(m []task.Spec) { m[0].ID = "web" }, `task: Pod[0].ID: "web": must be unique among the members, and not the name of the pod`},
		{func(m []task.Spec) { m[1].Ports[1].Container = 80 }, "task: Pod[1].Ports[1].Container: 80: must be unique among the members: they share the network"},
	} {
		members := pod()
		c.change(members)
		require.EqualError(t, task.ValidatePod(members), c.want)
	}
	require.EqualError(t, task.ValidatePod(nil), "task: Pod: 0: must have members")
	require.EqualError(t, task.ValidatePod([]task.Spec{{ID: "x"}}), `task: Pod[0].Pod: "": must be the name of the pod, the same for all members`)
}

// Formatting a spec does not reveal its secrets.
func TestSecretString(t *testing.T) {
	s := member()
	s.Container.Volumes[0].Secret = &task.Secret{Value: []byte("hidden")}
	s.Command.Secrets = map[string]task.Secret{"A": {Value: []byte("hidden")}, "B": {Name: "n", Key: "k"}}
	text := fmt.Sprintf("%v %+v %#v %v", s, s.Command, s.Command.Secrets, *s.Container.Volumes[0].Secret)
	require.NotContains(t, text, "hidden")
	require.NotContains(t, text, "104 105") // its bytes
	require.Contains(t, text, "secret of 6 bytes")
	require.Contains(t, text, `secret "n", key "k"`)
}

// Validate reports all violations at once.
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

// A violation can be shown by an HTTP API, whatever the value is.
func TestFieldErrorAsJSON(t *testing.T) {
	for want, value := range map[string]any{
		`{"field":"Mem","value":"NaN","reason":"must be finite"}`:     math.NaN(),
		`{"field":"Mem","value":"-1","reason":"must be finite"}`:      -1.0,
		`{"field":"Mem","value":"-1m0s","reason":"must be finite"}`:   -time.Minute,
		`{"field":"Mem","value":"a \"b\"","reason":"must be finite"}`: `a "b"`,
	} {
		encoded, err := json.Marshal(&task.FieldError{Field: "Mem", Value: value, Reason: "must be finite"})
		require.NoError(t, err)
		require.Equal(t, want, string(encoded))
	}
}
