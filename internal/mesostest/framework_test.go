package mesostest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

func withFailoverTimeout(d time.Duration) *mesos.FrameworkInfo {
	info := frameworkInfo()
	info.FailoverTimeout = ptr(d.Seconds())
	return info
}

// BEHAVIOUR section 10.
func TestFailoverTimeout(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		back    time.Duration // when it re-subscribes, having left at 1 s
		removed bool
	}{
		{"in time", 3 * time.Second, 4*time.Second - 1, false},
		{"too late", 3 * time.Second, 4 * time.Second, true},
		{"none: removed at once", 0, time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
				info := withFailoverTimeout(test.timeout)
				s := launched(c, info, taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
				c.at(time.Second)
				s.close()
				c.at(test.back)
				info.ID = s.fid
				again := c.subscribe(info)
				if test.removed {
					require.Contains(t, again.log()[0], "ERROR Framework has been removed")
					require.Equal(t, []string{s.fid.Value}, c.master.Snapshot().Completed)
					require.Equal(t, "ports:[31000-31999]; cpus:4; mem:4096; disk:10000", c.master.Snapshot().Agents[0].Free)
					return
				}
				require.Equal(t, s.fid, again.fid)
				require.Len(t, again.offers(), 1, "at once, and without the filters")
				require.Equal(t, mesos.TASK_RUNNING, c.master.Snapshot().Frameworks[0].Tasks[0].State)
				c.at(time.Hour)
				require.Empty(t, c.master.Snapshot().Completed, "the timer is off")
			})
		})
	}
}

func TestIDsOfAnEarlierClusterAreNotGivenAgain(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		join := func(id string) *stream {
			info := withFailoverTimeout(0)
			if id != "" {
				info.ID = &mesos.FrameworkID{Value: id}
			}
			return c.subscribe(info)
		}
		prefix := strings.TrimSuffix(join("").fid.Value, "0")
		old := join(prefix + "1") // it was registered before the cluster was started again
		require.Equal(t, prefix+"1", old.fid.Value)
		require.Equal(t, prefix+"2", join("").fid.Value)
		old.close() // it is removed
		c.at(time.Second)
		require.Equal(t, prefix+"3", join("").fid.Value)
		join(prefix + "4").close()
		c.at(2 * time.Second)
		require.Equal(t, prefix+"5", join("").fid.Value, "one that was removed is not given again either")
	})
}

func TestFailOverOfALiveStream(t *testing.T) {
	inBubble(t, Config{Agents: make([]Agent, 2)}, func(c *cluster) {
		info := withFailoverTimeout(time.Minute)
		old := launched(c, info, taskInfo(mesos.Offer{}, "t", "sleep 600"), 0)
		c.at(500 * time.Millisecond)
		info.ID = old.fid
		s := c.subscribe(info)
		require.Equal(t, []string{"0.5 ERROR Framework failed over", "0.5 end: EOF"}, old.since(500*time.Millisecond))
		require.Equal(t, []string{"0.5 SUBSCRIBED", "0.5 HEARTBEAT", "0.5 t TASK_STARTING"}, s.log(), "the update comes again at once, offers do not")
		require.Contains(t, old.call(400, &scheduler.Call{Type: scheduler.Call_REVIVE}), "didn't match the stream ID")
		c.at(time.Second)
		require.Len(t, s.offers(), 1, "the other agent, at the next allocation; the filter on the rest of the first stays")
		c.at(10500 * time.Millisecond)
		require.Equal(t, "10.5 t TASK_STARTING", s.log()[len(s.log())-1], "the retries start anew")
		require.Empty(t, old.since(501*time.Millisecond))
		c.at(30 * time.Second)
		require.Equal(t, []string{"15.5 HEARTBEAT"}, s.since(15 * time.Second)[:1], "the heart of the old stream beats no more")
		require.NotContains(t, s.log(), "15 HEARTBEAT")
		require.NotContains(t, s.log(), "30 HEARTBEAT")
	})
}

func TestTeardown(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, withFailoverTimeout(time.Minute), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.at(time.Second)
		s.call(202, &scheduler.Call{Type: scheduler.Call_TEARDOWN})
		require.Equal(t, []string{"1 end: EOF"}, s.since(time.Second), "neither ERROR nor updates")
		require.Equal(t, "Framework cannot be found", s.call(400, &scheduler.Call{Type: scheduler.Call_REVIVE}))
		other := c.subscribe(frameworkInfo())
		require.Equal(t, wholeAgent, other.log()[2][2:], "the resources are free at once")
	})
}

func TestCompletedFrameworksAreForgotten(t *testing.T) {
	inBubble(t, Config{MaxCompletedFrameworks: 2}, func(c *cluster) {
		var ids []*mesos.FrameworkID
		for range 3 {
			s := c.subscribe(frameworkInfo())
			s.call(202, &scheduler.Call{Type: scheduler.Call_TEARDOWN})
			ids = append(ids, s.fid)
		}
		require.Equal(t, []string{ids[1].Value, ids[2].Value}, c.master.Snapshot().Completed)
		info := frameworkInfo()
		info.ID = ids[0]
		require.Equal(t, ids[0], c.subscribe(info).fid)
	})
}

func TestUpdateFramework(t *testing.T) {
	update := func(info *mesos.FrameworkInfo) *scheduler.Call {
		return &scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, UpdateFramework: &scheduler.Call_UpdateFramework{FrameworkInfo: *info}}
	}
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo("a"))
		c.at(100 * time.Millisecond)
		info := frameworkInfo("b")
		info.ID = s.fid
		s.call(200, update(info))
		c.at(time.Second)
		require.Equal(t, []string{"0.1 RESCIND", "1 " + wholeAgent}, s.since(100*time.Millisecond))
		require.Equal(t, "b", s.offers()[1].AllocationInfo.GetRole())
		info.User = "nobody"
		require.Equal(t, "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'",
			s.call(400, update(info)))
	})
}

func TestReconciliation(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*mesos.FrameworkInfo)
		lost   string // what becomes of GONE and UNKNOWN
	}{
		{"PARTITION_AWARE", func(*mesos.FrameworkInfo) {}, ""},
		{"not PARTITION_AWARE", func(info *mesos.FrameworkInfo) { info.Capabilities = info.Capabilities[:2] }, "TASK_LOST"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
				info := frameworkInfo()
				test.change(info)
				s := launched(c, info, taskInfo(mesos.Offer{}, "t", "sleep 600"), 0)
				agent := &mesos.AgentID{Value: c.master.Snapshot().Agents[0].ID}
				c.at(time.Second)
				s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
				s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: []scheduler.Call_Reconcile_Task{
					{TaskID: mesos.TaskID{Value: "t"}, AgentID: &mesos.AgentID{Value: "wrong"}},
					{TaskID: mesos.TaskID{Value: "u"}, AgentID: agent},
					{TaskID: mesos.TaskID{Value: "v"}},
				}}})
				state := func(aware string) string {
					if test.lost != "" {
						return test.lost
					}
					return aware
				}
				require.Equal(t, []string{
					"1 t TASK_STARTING: Reconciliation: Latest task state", // RUNNING was not forwarded yet
					"1 t TASK_STARTING: Reconciliation: Latest task state",
					"1 u " + state("TASK_GONE") + ": Reconciliation: Task is unknown to the agent",
					"1 v " + state("TASK_UNKNOWN") + ": Reconciliation: Task is unknown",
				}, s.since(time.Second))
			})
		})
	}
}

func TestInvalidOffersUseUpTheValidOnes(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(100 * time.Millisecond)
		o := s.offers()[0]
		s.call(http.StatusAccepted, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
			OfferIDs: []mesos.OfferID{o.ID, {Value: "gone"}},
			Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{
				TaskInfos: []mesos.TaskInfo{taskInfo(o, "t", "true")},
			}}},
		}})
		c.at(time.Second)
		require.Equal(t, []string{
			"0.1 t TASK_DROPPED: Task launched with invalid offers: Offer gone is no longer valid", "1 " + wholeAgent,
		}, s.since(100*time.Millisecond))
	})
}
