package mesostest

import (
	"fmt"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/constraints"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// framework is what the master knows of a framework, from its first SUBSCRIBE
// until its removal.
type framework struct {
	id          string
	info        mesos.FrameworkInfo
	stream      *subscription // nil while disconnected
	suppressed  map[string]bool
	constraints *constraints.Offer
	filters     map[filterKey][]filter

	inverseFilters map[*agent]time.Time // until when not to ask about an agent

	unreachable map[string]*task // those on unreachable agents
	tasks       map[string]*task // also terminal ones until acknowledged
	operations  []*operation     // not acknowledged, by age
	heartbeat   *timer
	removal     *timer // runs while disconnected
	registered  time.Time
	recovered   bool // known from agents alone: it has not subscribed with this leader

	// What /state shows beside.
	reregistered   time.Time // zero: never
	unregistered   time.Time
	completedTasks []*task
}

// can reports whether the framework has a capability.
func (f *framework) can(c mesos.FrameworkInfo_Capability_Type) bool {
	return validate.HasCapability(&f.info, c)
}

// lost returns the state of a task that the master knows is gone: PARTITION_AWARE
// frameworks are told how.
func (f *framework) lost(aware mesos.TaskState) *mesos.TaskState {
	if f.can(mesos.FrameworkInfo_Capability_PARTITION_AWARE) {
		return &aware
	}
	return mesos.TASK_LOST.Enum()
}

// send puts an event on the framework's stream; without one it is lost.
func (f *framework) send(m *Master, e *scheduler.Event) {
	if f.stream != nil {
		m.deliver(f, e)
	}
}

// subscribe opens a stream. The subscription is nil when the reply is all there is (a fault or a delay);
// with a fault beside it the stream is open, but its client is to see nothing of it. A refused
// framework gets a stream of one ERROR. On the loop.
func (m *Master) subscribe(c *scheduler.Call, from caller) (*subscription, reply) {
	x := m.fate(c, from)
	if !x.handle {
		return nil, x.reply
	}
	s := &subscription{streamID: m.newUUID().String(), events: make(chan []*scheduler.Event, 1), cut: from.cut}
	info := *c.Subscribe.FrameworkInfo
	wishes := offerWishes{c.Subscribe.SuppressedRoles, from.constraints}
	if info.Principal == nil && from.principal != "" {
		info.Principal = &from.principal
	}
	if text := m.refusal(&info, wishes); text != "" {
		s.push(errorEvent(text), false)
		s.close()
		return s, x.reply
	}
	f := m.frameworks[info.GetID().GetValue()]
	switch {
	case f == nil:
		f = m.addFramework(info)
		f.want(wishes)
		m.open(f, s)
		m.allocate(m.agents)
	case f.stream != nil:
		f.reregistered = time.Now()
		m.failOver(f, &info, wishes)
		m.open(f, s)
		m.resend(f)
		m.allocateLater()
	default:
		f.reregistered = time.Now()
		m.replaceInfo(f, &info, wishes)
		m.open(f, s)
		m.allocate(m.agents)
		m.resend(f)
	}
	m.observed(c, f.id, s.streamID, 200)
	return s, x.reply
}

// refusal returns the ERROR text for a framework that may not subscribe, or "".
func (m *Master) refusal(info *mesos.FrameworkInfo, wishes offerWishes) string {
	if text := validate.FrameworkInfo(info, nil, m.policy()); text != "" {
		return text
	}
	if slices.ContainsFunc(m.removed, func(f *framework) bool { return f.id == info.GetID().GetValue() }) {
		return "Framework has been removed"
	}
	if text := m.wishesFault(info, wishes); text != "" {
		return text
	}
	if f := m.frameworks[info.GetID().GetValue()]; f != nil && f.info.GetPrincipal() != info.GetPrincipal() {
		return principalChanged
	}
	return ""
}

const principalChanged = "Changing framework's principal is not allowed."

func (m *Master) addFramework(info mesos.FrameworkInfo) *framework {
	var reregistered time.Time
	if info.GetID().GetValue() != "" {
		reregistered = time.Now() // an ID that this master has not seen: it failed over, it seems
	} else {
		info.ID = m.newFrameworkID()
	}
	f := &framework{
		id:      info.ID.Value,
		info:    info,
		filters: make(map[filterKey][]filter),

		inverseFilters: make(map[*agent]time.Time),
		tasks:          make(map[string]*task),
		unreachable:    make(map[string]*task),
		registered:     time.Now(), reregistered: reregistered,
	}
	m.frameworks[f.id] = f
	m.order = append(m.order, f)
	return f
}

// newFrameworkID returns an ID that no framework has or had. One that was registered with an earlier cluster of the same IDs may
// have brought its own.
func (m *Master) newFrameworkID() *mesos.FrameworkID {
	for {
		id := fmt.Sprintf("%s-%04d", m.info.ID, m.registered)
		m.registered++
		had := slices.ContainsFunc(m.removed, func(f *framework) bool { return f.id == id })
		if m.frameworks[id] == nil && !had {
			return &mesos.FrameworkID{Value: id}
		}
	}
}

// open makes s the framework's stream and sends the first events on it.
func (m *Master) open(f *framework, s *subscription) {
	f.removal.stop()
	f.stream, f.recovered = s, false
	info := m.info
	f.send(m, &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
		FrameworkID:              &mesos.FrameworkID{Value: f.id},
		HeartbeatIntervalSeconds: ptr(m.config.HeartbeatInterval.Seconds()),
		MasterInfo:               &info,
	}})
	m.beat(f)
}

// beat sends the heartbeat and starts the timer of the next. Other events do not delay it.
func (m *Master) beat(f *framework) {
	f.send(m, &scheduler.Event{Type: scheduler.Event_HEARTBEAT})
	f.heartbeat = m.after(m.config.HeartbeatInterval, func() { m.beat(f) })
}

// failOver ends the open stream in favour of another. The offers of the old stream
// are dropped silently, except those of roles that the new info no longer has.
func (m *Master) failOver(f *framework, info *mesos.FrameworkInfo, wishes offerWishes) {
	m.replaceInfo(f, info, wishes)
	m.dropOffers(f)
	f.send(m, errorEvent("Framework failed over"))
	f.heartbeat.stop()
	f.stream.close()
	f.stream = nil
}

// replaceInfo takes what a subscribed framework may change; user and checkpoint stay.
func (m *Master) replaceInfo(f *framework, info *mesos.FrameworkInfo, wishes offerWishes) {
	id, user, checkpoint := f.info.ID, f.info.User, f.info.Checkpoint
	f.info = *info
	f.info.ID, f.info.User, f.info.Checkpoint = id, user, checkpoint
	f.want(wishes)
	roles := validate.Roles(&f.info)
	for _, o := range m.offersOf(f) {
		if !slices.Contains(roles, o.role) {
			m.rescind(o)
		}
	}
}

// offerWishes are what SUBSCRIBE and UPDATE_FRAMEWORK have about offers beside the framework info;
// what is left out is cleared.
type offerWishes struct {
	suppressed  []string
	constraints *constraints.Offer
}

func (f *framework) want(wishes offerWishes) {
	f.constraints = wishes.constraints
	f.suppressed = make(map[string]bool, len(wishes.suppressed))
	for _, r := range wishes.suppressed {
		f.suppressed[r] = true
	}
}

// policy returns what the flags of the master say about frameworks.
func (m *Master) policy() validate.Policy {
	return validate.Policy{Roles: m.config.Roles, NoRootSubmissions: m.config.NoRootSubmissions}
}

func (m *Master) wishesFault(info *mesos.FrameworkInfo, wishes offerWishes) string {
	if text := validate.FrameworkInfo(info, wishes.suppressed, m.policy()); text != "" {
		return text
	}
	return wishes.constraints.Fault(validate.Roles(info))
}

// updateFramework performs UPDATE_FRAMEWORK. Unlike SUBSCRIBE it refuses a change
// of what cannot be changed.
func (m *Master) updateFramework(f *framework, c *scheduler.Call_UpdateFramework, constraints *constraints.Offer) reply {
	wishes := offerWishes{c.SuppressedRoles, constraints}
	info := &c.FrameworkInfo
	if text := m.updateRefusal(f, info, wishes); text != "" {
		return reply{status: 400, body: text}
	}
	m.replaceInfo(f, info, wishes)
	m.allocateLater()
	return reply{status: 200}
}

func (m *Master) updateRefusal(f *framework, info *mesos.FrameworkInfo, wishes offerWishes) string {
	if text := validate.FrameworkInfo(info, nil, m.policy()); text != "" {
		return "Supplied FrameworkInfo is not valid: " + text
	}
	const invalid = "FrameworkInfo update is not valid: "
	switch {
	case f.info.GetPrincipal() != info.GetPrincipal():
		return invalid + principalChanged
	case f.info.User != info.User:
		return invalid + "Updating 'FrameworkInfo.user' is unsupported; attempted to update from '" + f.info.User + "' to '" + info.User + "'"
	case f.info.GetCheckpoint() != info.GetCheckpoint():
		return invalid + "Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update from '" +
			boolText(f.info.GetCheckpoint()) + "' to '" + boolText(info.GetCheckpoint()) + "'"
	}
	if text := m.wishesFault(info, wishes); text != "" {
		return "'UpdateFramework' call is not valid: " + text
	}
	return ""
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// disconnected is called when the client of s went away. On the loop; idempotent.
func (m *Master) disconnected(s *subscription) {
	if s.over {
		return
	}
	s.close()
	for _, f := range m.order {
		if f.stream == s {
			m.deactivate(f)
			return
		}
	}
}

// deactivate takes everything back that a framework without a stream cannot use, and
// gives it the failover timeout to come back.
func (m *Master) deactivate(f *framework) {
	f.stream = nil
	f.heartbeat.stop()
	m.dropOffers(f)
	clear(f.filters)
	clear(f.inverseFilters)
	timeout := time.Duration(f.info.GetFailoverTimeout() * float64(time.Second))
	if timeout <= 0 {
		m.removeFramework(f)
		return
	}
	f.removal = m.after(timeout, func() { m.removeFramework(f) })
}

// removeFramework ends a framework and its tasks for good. The resources are free
// at once, though a real agent takes its time to kill.
func (m *Master) removeFramework(f *framework) {
	f.removal.stop()
	f.heartbeat.stop()
	m.dropOffers(f)
	m.retire(f)
	for _, t := range f.byLaunch() {
		t.remove(m)
	}
	for _, op := range f.operations {
		op.retry.stop()
	}
	for _, a := range m.agents {
		a.removeFramework(m, f)
	}
	if f.stream != nil {
		f.stream.close()
		f.stream = nil
	}
	delete(m.frameworks, f.id)
	m.order = slices.DeleteFunc(m.order, func(other *framework) bool { return other == f })
	for _, role := range validate.Roles(&f.info) {
		delete(m.shares, shareKey{role: role, framework: f.id})
	}
	m.allocateLater()
}

// dropOffers takes all offers of a framework back, also inverse ones, without telling it.
func (m *Master) dropOffers(f *framework) {
	for _, o := range m.offersOf(f) {
		m.takeBack(o)
	}
	for _, i := range slices.Clone(m.inverseOffers) {
		if i.framework == f {
			m.removeInverse(i)
		}
	}
}

func errorEvent(message string) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: message}}
}
