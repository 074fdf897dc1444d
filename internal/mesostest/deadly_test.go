package mesostest

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// A real master fails a check and ends. The fake answers with a word about it, keeps it for the snapshot, and does
// nothing else of the operation.
func TestCallsOfWhichARealMasterDies(t *testing.T) {
	text := mesos.Resource{Name: "cpus", Type: mesos.TEXT.Enum()}
	bad := func(o mesos.Offer) mesos.TaskInfo {
		task := taskInfo(o, "bad", "true")
		task.Resources = append(task.Resources, text)
		return task
	}
	for _, test := range []struct {
		reason string
		ops    func(o mesos.Offer, s *stream) []mesos.Offer_Operation
		deadly string
	}{
		{"a task with a resource of type TEXT", func(o mesos.Offer, _ *stream) []mesos.Offer_Operation {
			return []mesos.Offer_Operation{launch(taskInfo(o, "good", "true"), bad(o))}
		}, "LAUNCH with a resource whose type is neither SCALAR, RANGES nor SET"},
		{"another fault first: it prints well", func(o mesos.Offer, _ *stream) []mesos.Offer_Operation {
			task := bad(o)
			task.Resources[0].Scalar.Value = -1
			return []mesos.Offer_Operation{launch(task)}
		}, ""},
		{"an executor with such a resource", func(o mesos.Offer, _ *stream) []mesos.Offer_Operation {
			task := taskInfo(o, "bad", "true")
			task.Command, task.Executor = nil, &mesos.ExecutorInfo{Command: &mesos.CommandInfo{}, Resources: []mesos.Resource{text}}
			return []mesos.Offer_Operation{launch(task)}
		}, "LAUNCH with a resource whose type is neither SCALAR, RANGES nor SET"},
		{"a group with one", func(o mesos.Offer, s *stream) []mesos.Offer_Operation {
			return []mesos.Offer_Operation{launchGroup(s, bad(o))}
		}, "LAUNCH_GROUP with a resource whose type is neither SCALAR, RANGES nor SET"},
		{"a reservation of one, without an ID", func(mesos.Offer, *stream) []mesos.Offer_Operation {
			return []mesos.Offer_Operation{{
				Type: mesos.Offer_Operation_RESERVE, Reserve: &mesos.Offer_Operation_Reserve{Resources: []mesos.Resource{text}},
			}}
		}, "RESERVE with a resource whose type is neither SCALAR, RANGES nor SET"},
		{"a group with one task ID twice", func(o mesos.Offer, s *stream) []mesos.Offer_Operation {
			return []mesos.Offer_Operation{launchGroup(s, taskInfo(o, "a", "true"), taskInfo(o, "b", "true"), taskInfo(o, "a", "true"))}
		}, "LAUNCH_GROUP with the task ID 'a' twice"},
		{"that of a group which is refused anyway", func(o mesos.Offer, s *stream) []mesos.Offer_Operation {
			return []mesos.Offer_Operation{launchGroup(s, taskInfo(o, "a", "true"), taskInfo(o, "a/", "true"), taskInfo(o, "a", "true"))}
		}, ""},
		{"a LAUNCH with one task ID twice is no such thing", func(o mesos.Offer, _ *stream) []mesos.Offer_Operation {
			return []mesos.Offer_Operation{launch(taskInfo(o, "a", "true"), taskInfo(o, "a", "true"))}
		}, ""},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				o := s.offers()[0]
				call := &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
					OfferIDs: []mesos.OfferID{o.ID}, Operations: test.ops(o, s),
				}}
				if test.deadly == "" {
					s.call(202, call)
					require.Empty(t, c.master.Snapshot().Deadly)
					return
				}
				require.Equal(t, "A real master would have died of this: "+test.deadly, s.call(400, call))
				require.Equal(t, []string{test.deadly}, c.master.Snapshot().Deadly)
				require.Empty(t, c.master.Snapshot().Running)
			})
		})
	}
}

// The master counts a call before it looks whether the framework is subscribed.
func TestUnknownCall(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		s := c.subscribe(withFailoverTimeout(time.Hour))
		unknown := func() *scheduler.Call { return &scheduler.Call{Type: scheduler.Call_UNKNOWN, FrameworkID: s.fid} }
		const answer = "A real master would have died of this: a call of type UNKNOWN"
		require.Equal(t, answer, s.call(400, unknown()))
		s.close()
		require.Equal(t, answer, s.call(400, unknown()))
		s.fid = &mesos.FrameworkID{Value: "nobody"}
		require.Equal(t, "Framework cannot be found", s.call(400, unknown()))
		require.Len(t, c.master.Snapshot().Deadly, 2)
	})
}

func launch(tasks ...mesos.TaskInfo) mesos.Offer_Operation {
	return mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks}}
}
