package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// composed is what docker-compose makes of the file, with a profile.
type composed struct {
	Services map[string]composedService
	Volumes  map[string]any
}

type composedService struct {
	Profiles    []string
	Image       string
	Build       any
	Command     []string
	Entrypoint  any
	Environment map[string]string
	HealthCheck struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Ports       []any
	Volumes     []string
	Privileged  bool
	CapAdd      []string `yaml:"cap_add"`
	NetworkMode string   `yaml:"network_mode"`
	PID         string   `yaml:"pid"`
}

// mesosFlags are the flags of masters and agents of Mesos 1.11 that the file may set, as MESOS_ and the name.
var mesosFlags = map[string][]string{
	"mesos-master": {"zk", "quorum", "work_dir", "cluster", "hostname", "port", "log_dir", "ip", "advertise_ip", "offer_timeout", "allocation_interval"},
	"mesos-agent": {
		"master", "work_dir", "resources", "attributes", "hostname", "port", "containerizers", "launcher", "isolation", "systemd_enable_support", "switch_user",
		"log_dir", "ip", "advertise_ip", "gc_delay",
	},
}

// programs are what health checks may run, in the images that have them.
var programs = map[string][]string{
	"openeuler/mesos": {"wget"},
	"zookeeper":       {"nc", "zkServer.sh"},
}

// compose returns what Debian's docker-compose makes of the file. It skips the test where there is none, except in CI. Later
// versions print the same in another form.
func compose(t *testing.T, env []string, args ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs docker-compose")
	}
	version, err := exec.Command("docker-compose", "version", "--short").Output()
	if (err != nil || !strings.HasPrefix(string(version), "1.")) && os.Getenv("CI") == "" {
		t.Skip("there is no docker-compose 1.29")
	}
	require.NoError(t, err, "CI has to have docker-compose 1.29")
	cmd := exec.Command("docker-compose", append(args, "config")...)
	cmd.Dir, cmd.Env = "../..", append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	return string(out)
}

// parseComposed returns the services that run with a profile.
func parseComposed(t *testing.T, text, profile string) (c composed) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(text), &c))
	maps.DeleteFunc(c.Services, func(_ string, s composedService) bool { // docker-compose 1.29 has all of them
		return s.Profiles != nil && !slices.Contains(s.Profiles, profile)
	})
	return c
}

// faults returns what would not work, as far as it can be seen without running it.
func (c composed) faults() (faults []string) {
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		s := c.Services[name]
		fault := func(format string, args ...any) { faults = append(faults, name+": "+fmt.Sprintf(format, args...)) }
		image, tag, _ := strings.Cut(s.Image, ":")
		switch image {
		case "openeuler/mesos":
			s.mesosFaults(fault)
		case "zookeeper":
		case "samplefw":
			s.memberFaults(fault)
		default:
			fault("nothing is known of the image %s", s.Image)
		}
		if tag == "" {
			fault("the image has no tag")
		}
		s.healthFaults(image, fault)
		if s.Privileged || s.CapAdd != nil || s.PID != "" || s.NetworkMode == "host" {
			fault("it has privileges")
		}
		for _, v := range s.Volumes {
			if volume, _, _ := strings.Cut(v, ":"); !slices.Contains(slices.Collect(maps.Keys(c.Volumes)), volume) {
				fault("the volume %s is not declared", v)
			}
		}
		for _, p := range s.Ports {
			if !strings.Contains(fmt.Sprint(p), "127.0.0.1") {
				fault("port %v is not published on loopback", p)
			}
		}
		for other, depends := range s.DependsOn {
			if depends.Condition == "service_healthy" && len(c.Services[other].HealthCheck.Test) == 0 {
				fault("it waits for %s, which has no health check", other)
			}
		}
	}
	return faults
}

// mesosFaults are those of a master or an agent.
func (s composedService) mesosFaults(fault func(string, ...any)) {
	program := cmp.Or(append(slices.Clone(s.Command), "")...)
	flags := mesosFlags[program]
	if flags == nil {
		fault("%q is not a program of Mesos", program)
	}
	for name := range s.Environment {
		if flag, is := strings.CutPrefix(name, "MESOS_"); !is || !slices.Contains(flags, strings.ToLower(flag)) {
			fault("%s has no flag %s", program, name)
		}
	}
	for _, arg := range s.Command[min(1, len(s.Command)):] {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !slices.Contains(flags, name) {
			fault("%s has no flag %s", program, arg)
		}
	}
}

// memberFaults are those of the sample program: its own flags say what they are.
func (s composedService) memberFaults(fault func(string, ...any)) {
	if s.Build == nil {
		fault("the image is not built")
	}
	known := map[string]bool{}
	for name := range allFlags(newRoot()) {
		known[variable(name)] = true
	}
	for name, value := range s.Environment {
		if !known[name] {
			fault("no flag is set by %s", name)
		}
		defer os.Setenv(name, os.Getenv(name))
		_ = os.Setenv(name, value)
	}
	if err := understood(s.Command); err != nil {
		fault("%v", err)
	}
}

// understood returns what is wrong with the command of a member, in this environment.
func understood(args []string) error {
	if len(args) == 0 || args[0] != "ha" {
		return fmt.Errorf("%q is not the command of a member", args)
	}
	var o haOptions
	cmd := memberCommand(&o)
	if err := cmd.ParseFlags(args[1:]); err != nil {
		return err
	}
	if err := settle(cmd); err != nil {
		return err
	}
	return o.check(cmd)
}

// healthFaults are those of the health check.
func (s composedService) healthFaults(image string, fault func(string, ...any)) {
	test := s.HealthCheck.Test
	switch {
	case len(test) < 2:
		fault("it has no health check")
	case image == "samplefw":
		if test[0] != "CMD" || test[1] != "samplefw" {
			fault("the image has only samplefw, and no shell: %q", test)
		} else if err := parse(test[2:]...); err != nil {
			fault("%v", err)
		}
	case !slices.ContainsFunc(programs[image], func(p string) bool {
		return slices.ContainsFunc(test[1:], func(arg string) bool { return regexp.MustCompile(`(^|\| )` + p + `($| )`).MatchString(arg) })
	}):
		fault("the image may not have the program of %q", test)
	}
}

// The file is valid with each profile, and what it names exists.
func TestComposeFile(t *testing.T) {
	for name, row := range map[string]struct{ args, profile, services string }{
		"one master":    {"", "", "agent1 agent2 m1 m2 m3 master1 zookeeper"},
		"three masters": {"--profile ha", "ha", "agent1 agent2 m1 m2 m3 master1 master2 master3 zookeeper"},
		"by gossip":     {"--file docker-compose.yml --file docker-compose.gossip.yml", "", "agent1 agent2 m1 m2 m3 master1 zookeeper"},
	} {
		t.Run(name, func(t *testing.T) {
			c := parseComposed(t, compose(t, nil, strings.Fields(row.args)...), row.profile)
			require.Equal(t, row.services, strings.Join(slices.Sorted(maps.Keys(c.Services)), " "))
			require.Empty(t, c.faults())
			require.Equal(t, name == "by gossip", c.Services["m2"].Environment["SAMPLEFW_ZK"] == "")
		})
	}
}

// Versions and addresses are those of the environment.
func TestComposeFileByEnvironment(t *testing.T) {
	c := parseComposed(t, compose(t, []string{"SAMPLEFW_MASTER=zk://10.0.0.1:2181/mesos", "MESOS_TAG=1.11.0-oe2403sp4", "PUBLISH=10.0.0.9"}), "")
	require.Equal(t, "zk://10.0.0.1:2181/mesos", c.Services["m2"].Environment["SAMPLEFW_MASTER"])
	require.Equal(t, "openeuler/mesos:1.11.0-oe2403sp4", c.Services["agent2"].Image)
	require.Contains(t, strings.Join(c.faults(), "\n"), "m3: port 10.0.0.9:8083:8080/tcp is not published on loopback")
}

// The control: each thing that would not work is found.
func TestComposeFileControl(t *testing.T) {
	text := compose(t, nil)
	for change, fault := range map[[2]string]string{
		{"--name=m1", "--nmae=m1"}:                                   "m1: unknown flag: --nmae",
		{"- ha\n", "- demo\n"}:                                       `m2: ["demo" "--name=m2" "--api=m2:8080"] is not the command of a member`,
		{"SAMPLEFW_TASKS:", "SAMPLEFW_TSKS:"}:                        "m1: no flag is set by SAMPLEFW_TSKS",
		{"SAMPLEFW_TASKS: '3'", "SAMPLEFW_TASKS: many"}:              `m1: SAMPLEFW_TASKS="many"`,
		{"MESOS_LAUNCHER:", "MESOS_LANCHER:"}:                        "agent1: mesos-agent has no flag MESOS_LANCHER",
		{"- mesos-master\n", "- mesos-mastr\n"}:                      `master1: "mesos-mastr" is not a program`,
		{"--port=5050", "--prt=5050"}:                                "master1: mesos-master has no flag --prt=5050",
		{"- samplefw\n      - members", "- curl\n      - m"}:         "m1: the image has only samplefw",
		{"--at=localhost", "--att=localhost"}:                        "m1: unknown flag: --att",
		{"- wget\n", "- curl\n"}:                                     "agent1: the image may not have the program",
		{"openeuler/mesos:", "mesos/mesos:"}:                         "agent1: nothing is known of the image",
		{"- mesos-agent\n", "- mesos-agent\n    privileged: true\n"}: "agent1: it has privileges",
		{"- zookeeper-data:/data", "- /var/run/docker.sock:/data"}:   "zookeeper: the volume /var/run/docker.sock",
	} {
		require.Contains(t, text, change[0])
		faults := parseComposed(t, strings.ReplaceAll(text, change[0], change[1]), "").faults()
		require.Contains(t, strings.Join(faults, "\n"), fault)
	}
}
