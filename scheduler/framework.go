package scheduler

import (
	"maps"
	"os/user"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Framework is the part of Mesos' FrameworkInfo that users decide. The master assigns the ID.
type Framework struct {
	// Name is shown by Mesos' web UI. Required.
	Name string
	// User is the user as whom tasks run that name none. Default: the user of this process.
	User string
	// Roles are the roles in which the framework receives offers. Default: "*".
	Roles []string
	// FailoverTimeout is how long the tasks keep running while no scheduler is subscribed. When it has passed,
	// Mesos kills all of them and removes the framework, see [Config.RenewFramework]. Default: one week with a store, that of
	// Config or of the Term; one minute without, since after the end of the process nobody can go on with its tasks. If the
	// network or the machine may pause for longer, set it, or the tasks of a program that still runs end as well. Negative:
	// no time at all, so that any interruption of the connection ends all tasks.
	FailoverTimeout time.Duration
	// GPUs asks for offers of agents with GPUs as well, which the master otherwise does not send.
	// Tasks that need no GPU may then use the cpus and memory of these agents.
	GPUs bool
	// Revocable asks for revocable resources as well, for tasks that may use them, see [task.Spec].
	Revocable bool
	// NoCheckpoint disables checkpointing: tasks die when their agent restarts. By default they survive that.
	NoCheckpoint bool
	// Principal is the principal that the framework acts for. Default: none.
	Principal string
	// Hostname and WebUIURL are shown by Mesos' web UI. Default: none.
	Hostname, WebUIURL string
	// Labels are shown by Mesos' API.
	Labels map[string]string
}

func (f Framework) normalize() (Framework, error) {
	if f.Name == "" {
		return f, &ConfigError{Field: "Framework.Name", Value: f.Name, Reason: "is required"}
	}
	f.Roles = slices.Clone(f.Roles)
	f.Labels = maps.Clone(f.Labels)
	if len(f.Roles) == 0 {
		f.Roles = []string{"*"}
	}
	for i, role := range f.Roles {
		if role == "" || slices.Contains(f.Roles[:i], role) {
			return f, &ConfigError{Field: "Framework.Roles", Value: f.Roles, Reason: "holds an empty or repeated role"}
		}
	}
	if f.User == "" {
		u, err := user.Current()
		if err != nil {
			return f, &ConfigError{Field: "Framework.User", Value: f.User, Reason: "is required, as this process' user is not known: " + err.Error()}
		}
		f.User = u.Username
	}
	return f, nil
}

// info returns the FrameworkInfo, without an ID, and without a failover timeout if that is the default: each run has its own.
func (f Framework) info() mesos.FrameworkInfo {
	checkpoint := !f.NoCheckpoint
	info := mesos.FrameworkInfo{
		Name: f.Name, User: f.User, Roles: f.Roles, Checkpoint: &checkpoint,
		Principal: optional(f.Principal), Hostname: optional(f.Hostname), WebUiURL: optional(f.WebUIURL),
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
			{Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
			{Type: mesos.FrameworkInfo_Capability_TASK_KILLING_STATE},
		},
	}
	if f.GPUs {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: mesos.FrameworkInfo_Capability_GPU_RESOURCES})
	}
	if f.FailoverTimeout != 0 {
		timeout := max(0, f.FailoverTimeout).Seconds()
		info.FailoverTimeout = &timeout
	}
	if f.Revocable {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: mesos.FrameworkInfo_Capability_REVOCABLE_RESOURCES})
	}
	if len(f.Labels) > 0 {
		info.Labels = &mesos.Labels{}
		for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
			value := f.Labels[key]
			info.Labels.Labels = append(info.Labels.Labels, mesos.Label{Key: key, Value: &value})
		}
	}
	return info
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
