package mesostest

import (
	"fmt"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/allocator"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// agent is a registered agent, as the master and as it itself knows it.
type agent struct {
	id           string
	config       Agent
	attributes   []mesos.Attribute
	domain       *mesos.DomainInfo
	total        resources.List
	quantities   quantities     // of total
	free         resources.List // neither offered nor used
	offers       []*offer
	registered   time.Time
	reregistered time.Time // zero: never
	connected    bool      // registered, as the master sees it: its resources may be offered
	alive        bool      // its process runs: updates, acknowledgements and kills pass
	pinged       time.Time // the first ping of this master
	lostAt       time.Time // when it was marked unreachable, zero otherwise
	frozen       bool      // it was still connected when it was marked unreachable
	patience     *timer    // runs until it is marked unreachable or registers again
	recovered    bool      // known from the registry: it has not registered with this leader
	discarded    bool      // gone for good

	tasks      map[*task]struct{} // until acknowledged; the master may not know of them
	operations []*operation       // of which no leader knows at the moment

	// What the operator did, see drain.go, maintenance.go and inverseoffer.go.
	deactivated bool
	drain       *mesos.DrainInfo   // what the master knows of the draining, nil without
	drainStart  time.Time          // of a registered agent
	draining    *mesos.DrainConfig // since the agent began to kill what it runs
	asked       map[*framework]bool
	answers     []allocator.InverseOfferStatus

	executors map[executorKey]*executor
	running   []*executor // the same by age
	ended     []*executor // those that its API remembers, by their end
	api       *agentServer
}

// executorKey names an executor on its agent.
type executorKey struct{ framework, executor string }

// newAgent parses the flags of an agent. Like mesos-agent it adds what --resources does
// not name, but made-up amounts instead of those of the machine.
func (m *Master) newAgent(config Agent) (*agent, error) {
	config = config.withDefaults(len(m.everRegistered) + 1)
	total, err := resources.Parse(config.Resources)
	if err != nil {
		return nil, err
	}
	for _, missing := range []string{"cpus:4", "mem:4096", "disk:10000", "ports:[31000-32000]"} {
		name, _, _ := strings.Cut(missing, ":")
		if total.Quantity(name) > 0 {
			continue
		}
		more, err := resources.Parse(missing)
		if err != nil {
			return nil, err
		}
		total = resources.OfferOrder(total.Add(more))
	}
	attributes, err := resources.ParseAttributes(config.Attributes)
	if err != nil {
		return nil, err
	}
	if err := checkDomain(config.Domain); err != nil {
		return nil, err
	}
	return &agent{
		config:     config,
		attributes: attributes,
		domain:     domainInfo(config.Domain),
		total:      total,
		quantities: quantitiesOf(total),
		free:       total,
		executors:  make(map[executorKey]*executor),
		tasks:      make(map[*task]struct{}),
		asked:      make(map[*framework]bool),
	}, nil
}

// register lets an agent begin. Without a leader it waits for one.
func (m *Master) register(a *agent) {
	a.alive = true
	m.everRegistered = append(m.everRegistered, a)
	if m.ready {
		m.enroll(a)
	}
}

// enroll registers an agent with the leader, again if it has an ID, and offers what it has.
func (m *Master) enroll(a *agent) {
	m.addMachine(a.machineID())
	if a.id != "" {
		m.welcomeBack(a)
		return
	}
	a.id = fmt.Sprintf("%s-S%d", m.info.ID, m.admitted)
	m.admitted++
	m.replaceAgent(a)
	a.connected, a.registered, a.pinged = true, time.Now(), time.Now()
	m.agents = append(m.agents, a)
	m.agentByID[a.id] = a
	m.allocate([]*agent{a})
}

// address returns where the agent's own HTTP API is.
func (a *agent) address() string { return a.config.address() }

// url returns the address in the form that offers have.
func (a *agent) url() *mesos.URL {
	return &mesos.URL{
		Scheme:  "http",
		Address: mesos.Address{Hostname: &a.config.URLHost, IP: &a.config.IP, Port: int32(a.config.Port)},
		Path:    ptr("/slave(1)"),
	}
}

// foreign reports whether the agent is in another region than the master. Agents
// without a domain are everywhere at home.
func (a *agent) foreign(master *mesos.DomainInfo) bool {
	if a.domain == nil || master == nil {
		return false
	}
	return a.domain.FaultDomain.Region.Name != master.FaultDomain.Region.Name
}

func checkDomain(text string) error {
	if region, zone, _ := strings.Cut(text, "/"); text != "" && (region == "" || zone == "") {
		return fmt.Errorf("domain %q is not of the form \"region/zone\"", text)
	}
	return nil
}

// domainInfo parses "region/zone"; nil for none.
func domainInfo(text string) *mesos.DomainInfo {
	region, zone, ok := strings.Cut(text, "/")
	if !ok {
		return nil
	}
	return &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{
		Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: region},
		Zone:   mesos.DomainInfo_FaultDomain_ZoneInfo{Name: zone},
	}}
}

// executorIDs returns the executors that a framework could launch further tasks on; not
// those that Mesos makes up for command tasks.
func (a *agent) executorIDs(f *framework) []mesos.ExecutorID {
	var ids []mesos.ExecutorID
	for _, e := range a.running {
		if e.framework == f && e.info != nil {
			ids = append(ids, mesos.ExecutorID{Value: e.id})
		}
	}
	return ids
}

// removeFramework ends all executors of a framework and reports nothing.
func (a *agent) removeFramework(m *Master, f *framework) {
	delete(a.asked, f)
	for _, e := range append([]*executor(nil), a.running...) {
		if e.framework == f {
			e.remove(m)
		}
	}
}

// AddAgent registers another agent, as if it just started. One with the IP and
// port of an agent that is away takes its place: the tasks of that are lost. The error says
// what of config does not parse, or is ErrMachineDown.
func (m *Master) AddAgent(config Agent) error {
	var err error
	m.must(func() {
		var a *agent
		if a, err = m.newAgent(config); err != nil {
			return
		}
		if m.isDown(a) {
			err = ErrMachineDown
			return
		}
		if err = m.openAPI(a); err == nil {
			m.register(a)
		}
	})
	return err
}
