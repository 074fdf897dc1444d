package scheduler

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// disturb causes a fault every few seconds while the chaos lasts, and then ends all faults.
func (c *chaos) disturb(ctx context.Context, random *rand.Rand) {
	for time.Since(c.history.began) < chaosTime {
		c.act(ctx, random)
		time.Sleep(time.Duration(random.Int64N(int64(6 * time.Second))))
		c.look()
	}
	c.history.note("the faults end")
	c.endFaults()
	for _, host := range c.cluster.away() {
		if random.IntN(6) > 0 { // some never come back
			c.returnAgent(host)
		}
	}
}

// endFaults ends all faults except for the absence of agents.
func (c *chaos) endFaults() {
	_ = c.master.Disturb(mesostest.Chances{})
	c.master.Silence(false)
	c.returnMasters()
	c.hostile.end()
	c.store.setFailureRate(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusing = false
	c.faults.status, c.faults.crash = 0, 0
}

func (c *chaos) act(ctx context.Context, random *rand.Rand) {
	switch n := random.IntN(100); {
	case n < 17:
		c.submit(ctx, random)
	case n < 22:
		c.submitPod(ctx, random)
	case n < 33:
		c.launch(ctx, random)
	case n < 36:
		c.again(ctx, random)
	case n < 50:
		c.kill(ctx, random)
	case n < 52:
		c.reconcile(ctx)
	case n < 54:
		c.endFaults()
		c.history.note("no faults for now")
	case n < 72:
		c.disturbCalls(random)
	case n < 82:
		c.disturbAgents(random)
	case n < 86:
		c.killExecutor(random)
	case n < 90:
		p := []float64{0, 0.1, 0.3, 1}[random.IntN(4)]
		c.history.note("the store fails with a probability of %v", p)
		c.store.setFailureRate(p)
	case n < 94:
		c.history.note("the process is killed")
		c.crashSoon()
	case n < 97:
		c.disturbMasters(random)
	default:
		c.disturbStream(random)
	}
}

func (c *chaos) disturbStream(random *rand.Rand) {
	switch random.IntN(4) {
	case 0:
		c.history.note("the stream is cut")
		c.master.CutStreams()
	case 1:
		c.history.note("offers are rescinded")
		c.master.RescindOffers()
	default:
		silent := random.IntN(2) == 0
		c.history.note("the master is silent: %v", silent)
		c.master.Silence(silent)
	}
}

func (c *chaos) disturbMasters(random *rand.Rand) {
	n := random.IntN(len(c.masters))
	switch random.IntN(6) {
	case 0:
		c.history.note("masters lose ZooKeeper")
		c.master.LoseZooKeeper()
	case 1:
		c.history.note("master %d is lost", n)
		c.master.LoseMaster(n)
	case 2:
		c.history.note("master %d is frozen", n)
		c.master.FreezeMaster(n)
	case 3:
		down := time.Duration(random.Int64N(int64(30 * time.Second)))
		c.history.note("failover of the master, %v", down)
		c.master.Failover(down)
	default:
		c.history.note("all masters return")
		c.returnMasters()
	}
}

func (c *chaos) returnMasters() {
	c.master.ReturnZooKeeper()
	for n := range c.masters {
		c.master.ReturnMaster(n)
	}
}

// disturbCalls changes which faults calls have from now on.
func (c *chaos) disturbCalls(random *rand.Rand) {
	p := func() float64 {
		if random.IntN(2) == 0 {
			return 0
		}
		return random.Float64() * random.Float64() / 6
	}
	chances := mesostest.Chances{
		Unavailable: p(), Hang: p(), Cut: p(), HangAfter: p(), CutAfter: p(), Delay: p(),
		CutStream: p() / 10, Duplicate: p(), Late: p(), Drop: p(),
		MaxDelay: time.Duration(1+random.IntN(40)) * time.Second,
	}
	if random.IntN(8) == 0 { // so long that nobody waits for it any more when it has its effect
		chances = mesostest.Chances{Delay: random.Float64() / 2, MaxDelay: 40 * time.Second}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusing = random.IntN(4) == 0
	c.faults.status, c.faults.crash = 0, 0
	switch random.IntN(4) {
	case 0:
		statuses := []int{int(mesostest.Swallow), int(mesostest.HangAfter), int(mesostest.CutAfter), http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound,
			http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusGatewayTimeout}
		c.faults.status = mesostest.Fault(statuses[random.IntN(len(statuses))])
		c.faults.chance = random.Float64() / 2
	case 1:
		c.faults.crash = 0.02
	}
	c.history.note("faults: %+v, answers %d, crashes %v, refusing %v", chances, c.faults.status, c.faults.crash, c.refusing)
	if err := c.master.Disturb(chances); err != nil {
		panic(err)
	}
}

// callFaults are faults of calls that the fake master cannot draw by itself.
type callFaults struct {
	random *rand.Rand
	status mesostest.Fault // for some calls; 0: none
	chance float64
	crash  float64         // that the process is killed at the moment when a call arrives
	offers map[string]bool // that the master goes on to hold for us, since it forgot what we said of them
}

// fate draws the fault of a call.
func (f *callFaults) fate(call *scheduler.Call) (fault mesostest.Fault, crash bool) {
	crash = f.random.Float64() < f.crash
	if f.status == 0 || f.random.Float64() >= f.chance {
		return mesostest.Pass, crash
	}
	if f.status == mesostest.Swallow {
		switch call.GetType() {
		case scheduler.Call_REVIVE, scheduler.Call_UPDATE_FRAMEWORK:
			// A master that says that it took it has done it, which no later word would show.
			return mesostest.Pass, crash
		case scheduler.Call_DECLINE:
			for _, id := range call.GetDecline().GetOfferIDs() {
				f.offers[id.Value] = true
			}
		}
	}
	return f.status, crash
}

// agentCPUs is the number of cpus of each agent.
const agentCPUs = 32

// clusterState is what chaos knows about the agents.
type clusterState struct {
	hosts   []host
	agents  map[string]string // host by agent ID
	removed int
}

type host struct {
	name string
	port int
	rack string
	gone bool // its agent is lost or frozen
}

func (s *clusterState) add(name string, port int) mesostest.Agent {
	rack := fmt.Sprintf("r%d", port%3)
	s.hosts = append(s.hosts, host{name: name, port: port, rack: rack})
	return mesostest.Agent{Hostname: name, Port: port, Resources: fmt.Sprintf("cpus:%d;mem:32768", agentCPUs), Attributes: "rack:" + rack}
}

func (s *clusterState) away() []string {
	var names []string
	for _, h := range s.hosts {
		if h.gone {
			names = append(names, h.name)
		}
	}
	return names
}

// isUp reports whether the agent of a host is there. One that was replaced while it was unreachable stays unreachable for
// the master.
func (s *clusterState) isUp(name string) bool {
	return slices.ContainsFunc(s.hosts, func(h host) bool { return h.name == name && !h.gone })
}

// disturbAgents loses, returns and removes agents; three stay.
func (c *chaos) disturbAgents(random *rand.Rand) {
	n := random.IntN(len(c.cluster.hosts))
	h := &c.cluster.hosts[n]
	left := len(c.cluster.hosts) - len(c.cluster.away())
	switch k := random.IntN(10); {
	case h.gone && k == 0: // another takes its place
		c.allowEnd(h.name, "its agent was replaced")
		port := h.port
		c.cluster.hosts = slices.Delete(c.cluster.hosts, n, n+1)
		c.addAgent(port)
	case h.gone && k < 8:
		c.returnAgent(h.name)
	case h.gone || left <= 3:
	case k < 5:
		c.history.note("%s is lost", h.name)
		h.gone = true
		c.master.LoseAgent(h.name)
	case k < 9:
		c.history.note("%s is frozen", h.name)
		h.gone = true
		c.master.FreezeAgent(h.name)
	default:
		c.allowEnd(h.name, "its agent was removed")
		c.history.note("%s is removed", h.name)
		c.master.RemoveAgent(h.name)
		port := h.port
		c.cluster.hosts = slices.Delete(c.cluster.hosts, n, n+1)
		c.addAgent(port)
	}
}

func (c *chaos) addAgent(port int) {
	c.cluster.removed++
	agent := c.cluster.add(fmt.Sprintf("another%d.example", c.cluster.removed), port)
	c.history.note("%s takes the place of one", agent.Hostname)
	if err := c.master.AddAgent(agent); err != nil {
		panic(err)
	}
}

func (c *chaos) returnAgent(name string) {
	c.history.note("%s returns", name)
	for i := range c.cluster.hosts {
		if h := &c.cluster.hosts[i]; h.name == name {
			h.gone = false
		}
	}
	c.master.ReturnAgent(name)
}

func (c *chaos) killExecutor(random *rand.Rand) {
	running := c.master.Snapshot().Running
	if len(running) == 0 {
		return
	}
	id := running[random.IntN(len(running))].ID
	c.allowTaskEnd(id, "its executor was killed")
	c.history.about("the executor of %s is killed", id)
	if random.IntN(2) == 0 {
		c.master.KillExecutor(id)
		return
	}
	c.master.Update(mesos.TaskStatus{TaskID: mesos.TaskID{Value: id}, State: mesos.TASK_FAILED.Enum()})
}

// crashSoon makes the process be killed.
func (c *chaos) crashSoon() {
	select {
	case c.crash <- struct{}{}:
	default:
	}
}

// allowEnd notes why tasks on a host may end.
func (c *chaos) allowEnd(host, why string) {
	for _, r := range c.master.Snapshot().Running {
		if r.Hostname == host {
			c.allowTaskEnd(r.ID, why)
		}
	}
}

func (c *chaos) allowTaskEnd(id, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.wanted[id]
	if w == nil {
		return
	}
	for _, w := range append(w.mates, w) {
		if w.excuse == "" {
			c.history.about("%s may end: %s", w.id, why)
			w.excuse = why
		}
	}
}

// waitIdle waits until everything that is under way has ended.
func (c *chaos) waitIdle(ctx context.Context) {
	time.Sleep(time.Minute) // calls that are delayed, processes that end
	c.mu.Lock()
	c.calm = true
	c.mu.Unlock()
	for end := c.history.began.Add(chaosTime + restTime); time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(10 * time.Second)
		c.look()
	}
}

// live returns the tasks that have not ended, as far as the users know.
func (c *chaos) live() []*wantedTask {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.order), func(w *wantedTask) bool { return w.excuse != "" })
}

// waitingNow returns the calls of users that are under way.
func (c *chaos) waitingNow() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.waiting))
}
