package validate

import (
	"strconv"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// The least that the executor of a group must have, in thousandths.
const (
	minExecutorCPUs = 10        // 0.01
	minExecutorMem  = 32 * 1000 // 32 MB
)

func groupExecutorFault(id string, own resources.List) string {
	has := func(name string) bool {
		return !own.Named(name).Empty()
	}
	amount := func(name, unit string) string {
		if !has(name) {
			return "None"
		}
		return strconv.FormatFloat(float64(own.Milli(name))/1000, 'g', 6, 64) + unit
	}
	switch {
	case own.Milli("cpus") < minExecutorCPUs:
		return "Executor '" + id + "' uses less CPUs (" + amount("cpus", "") + ") than the minimum required (0.01)"
	case own.Milli("mem") < minExecutorMem:
		return "Executor '" + id + "' uses less memory (" + amount("mem", "MB") + ") than the minimum required (32MB)"
	case !has("disk"):
		return "Executor '" + id + "' uses no disk"
	}
	return ""
}

func executorFault(e *mesos.ExecutorInfo, site Site) string {
	switch {
	case e.Type == mesos.ExecutorInfo_DEFAULT && e.Command != nil:
		return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"
	case e.Type == mesos.ExecutorInfo_CUSTOM && e.Command == nil:
		return "'ExecutorInfo.command' must be set for 'CUSTOM' executor"
	}
	if fault := idFault(e.ExecutorID.Value); fault != "" {
		return fault
	}
	if e.GetShutdownGracePeriod().GetNanoseconds() < 0 {
		return "ExecutorInfo's 'shutdown_grace_period' must be non-negative"
	}
	if fault := commandFault(e.Command); fault != "" {
		return "Executor's `CommandInfo` is invalid: " + fault
	}
	if fault := containerFault(e.Container); fault != "" {
		return "Executor's `ContainerInfo` is invalid: " + fault
	}
	switch {
	case e.FrameworkID == nil:
		return "'ExecutorInfo.framework_id' must be set"
	case e.FrameworkID.Value != site.FrameworkID:
		return "ExecutorInfo has an invalid FrameworkID (Actual: " + e.FrameworkID.Value + " vs Expected: " + site.FrameworkID + ")"
	}
	if fault := ownResourcesFault(e.Resources, "Executor"); fault != "" {
		return fault
	}
	if have := site.Executor(e.ExecutorID.Value); have != nil && !sameExecutor(have, e) {
		const rule = "------------------------------------------------------------\n"
		return "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n" +
			rule + "Existing ExecutorInfo:\n" + wirejson.DebugString(have) + "\n" +
			rule + "ExecutorInfo:\n" + wirejson.DebugString(e) + "\n" + rule
	}
	return ""
}

// sameExecutor compares without regard to the format of reservations.
func sameExecutor(a, b *mesos.ExecutorInfo) bool {
	x, y := *a, *b
	x.Resources, y.Resources = nil, nil
	have, want := resources.New(a.Resources), resources.New(b.Resources)
	return proto.Equal(&x, &y) && have.Contains(want) && want.Contains(have)
}
