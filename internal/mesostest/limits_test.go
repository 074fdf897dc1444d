package mesostest

import (
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

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
