package mesostest

import (
	"math"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

func TestLimitsFault(t *testing.T) {
	scalar := func(name string, value float64) mesos.Resource {
		return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}}
	}
	both := []mesos.Resource{scalar("cpus", 1), scalar("mem", 64)}
	for _, c := range []struct {
		reason    string
		resources []mesos.Resource
		limits    map[string]mesos.Value_Scalar
		fault     string
	}{
		{"none", both, nil, ""},
		{"as much as is asked for", both, map[string]mesos.Value_Scalar{"cpus": {Value: 1}, "mem": {Value: 64}}, ""},
		{"all there is", both, map[string]mesos.Value_Scalar{"cpus": {Value: math.Inf(1)}, "mem": {Value: math.Inf(1)}}, ""},
		{"less cpus", both, map[string]mesos.Value_Scalar{"cpus": {Value: 0.999}}, "The cpu limit must be greater than or equal to the cpu request"},
		{"less mem", both, map[string]mesos.Value_Scalar{"mem": {Value: 63}}, "The memory limit must be greater than or equal to the memory request"},
		{"no cpus", both[1:], map[string]mesos.Value_Scalar{"cpus": {Value: 1}}, "When a CPU limit is specified, a CPU request must also be specified"},
		{"no mem", both[:1], map[string]mesos.Value_Scalar{"mem": {Value: 1}}, "When a memory limit is specified, a memory request must also be specified"},
		{"of disk", both, map[string]mesos.Value_Scalar{"disk": {Value: 1}}, "Only cpus and mem may be included in a task's resource limits"},
	} {
		require.Equal(t, c.fault, limitsFault(&mesos.TaskInfo{Resources: c.resources, Limits: c.limits}), c.reason)
	}
	shared, own := true, false
	group := func(share *bool) *mesos.TaskInfo {
		return &mesos.TaskInfo{Limits: map[string]mesos.Value_Scalar{"mem": {Value: 1}}, Container: &mesos.ContainerInfo{LinuxInfo: &mesos.LinuxInfo{ShareCgroups: share}}}
	}
	require.Empty(t, groupLimitsFault(group(&own)))
	require.Empty(t, groupLimitsFault(&mesos.TaskInfo{}))
	require.NotEmpty(t, groupLimitsFault(group(&shared)))
	require.NotEmpty(t, groupLimitsFault(group(nil)), "the default is to share")
}

// An agent drops what it cannot limit, and the whole group of it, and starts no executor for it.
func TestLimitsWithoutIsolators(t *testing.T) {
	inBubble(t, Config{Agents: []Agent{{Isolation: "posix/cpu,cgroups/mem"}}}, func(c *cluster) {
		s := c.subscribe(frameworkInfo("test"))
		c.at(100 * time.Millisecond)
		o := s.offers()[0]
		limited := func(id, name string, kind mesos.ContainerInfo_Type) mesos.TaskInfo {
			info := taskInfo(o, id, "sleep 600")
			info.Limits = map[string]mesos.Value_Scalar{name: {Value: 100}}
			info.Container = &mesos.ContainerInfo{Type: &kind, LinuxInfo: &mesos.LinuxInfo{ShareCgroups: new(bool)}}
			return info
		}
		docker := limited("docker", "cpus", mesos.ContainerInfo_DOCKER)
		docker.Container = &mesos.ContainerInfo{Type: docker.Container.Type, Docker: &mesos.ContainerInfo_DockerInfo{Image: "busybox"}}
		own, err := resources.Parse("cpus:0.1;mem:32;disk:10")
		require.NoError(t, err)
		group := mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: &mesos.Offer_Operation_LaunchGroup{
			Executor: mesos.ExecutorInfo{
				Type: mesos.ExecutorInfo_DEFAULT, ExecutorID: mesos.ExecutorID{Value: "e"}, FrameworkID: s.fid, Resources: own.Proto(),
			},
			TaskGroup: mesos.TaskGroupInfo{Tasks: []mesos.TaskInfo{taskInfo(o, "first", "sleep 600"), limited("second", "cpus", mesos.ContainerInfo_MESOS)}},
		}}
		s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
			OfferIDs: []mesos.OfferID{o.ID}, Filters: refuse(1e6),
			Operations: []mesos.Offer_Operation{group, {Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{
				limited("cpus", "cpus", mesos.ContainerInfo_MESOS), limited("mem", "mem", mesos.ContainerInfo_MESOS), docker,
			}}}},
		}})
		require.Equal(t, mesos.REASON_GC_ERROR, s.lastStatus().GetReason())
		require.Nil(t, s.lastStatus().ExecutorID)
		c.at(200 * time.Millisecond)
		s.ackAll()
		c.at(time.Minute)
		const why = " TASK_DROPPED: CPU limits can only be set on tasks launched in Mesos containers when the agent has loaded the 'cgroups/cpu' isolator"
		require.Equal(t, []string{
			"0.1 first" + why, "0.1 second" + why, "0.1 cpus" + why,
			"0.2 mem TASK_STARTING", "0.2 docker TASK_STARTING", "0.2 mem TASK_RUNNING", "0.2 docker TASK_RUNNING",
		}, updatesOnly(s.log()))
	})
}
