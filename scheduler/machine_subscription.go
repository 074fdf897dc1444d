package scheduler

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/journal"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

func (m *machine) start(now time.Time) {
	// The end of the earlier run has answered its callers. Its calls will not be answered any more.
	for _, e := range m.tasks.byID {
		e.dropCallers()
		if e.launch.unanswered() && !e.Info.State.Terminal() {
			m.tasks.advanceLaunch(e, eventAnswered)
		}
	}
	m.setInfo(m.settings.framework) // what UPDATE_FRAMEWORK changed ended with the last run
	m.teardown = teardownState{}
	m.storage.journal.Reopen()
	m.filter = offerfilter.Book{}
	m.backlog.takeChanged()
	m.reconciliation.reset()
	m.conn.begin(now)
	m.tasks.beginVersions(now)
	m.failForCapacity(now, m.backlog.overdue(now))
	m.reportNeverOffered()
	m.trimRemembered(now)
	if old := m.storage.durable; old.State == record.Removed {
		m.loseLaunched(now, old.ID)
	}
	if m.conn.frameworkID != "" {
		m.demand.TakeOver()
	}
	m.ensureNonce()
	if !m.storage.durable.Equal(m.framework()) {
		m.touch("")
	}
	m.subscribe(now)
}

// subscribe begins a new subscription, as soon as the framework is on record.
func (m *machine) subscribe(now time.Time) {
	if m.unrecorded() {
		m.conn.waitForRecord()
		if !m.storage.postpone(now, subscribeNext{}) {
			m.touch("")
			m.storage.postpone(now, subscribeNext{})
		}
		return
	}
	m.conn.connect(now)
	m.backoff.reset(now)
	m.acks.reset()
	m.pool.reset(now)
	m.beginDemand(now)
	m.timers.endSubscription()
	m.unknown.reset()
	info := m.conn.info
	call := &scheduler.Call{
		Type:      scheduler.Call_SUBSCRIBE,
		Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &info},
	}
	if m.conn.frameworkID != "" {
		id := &mesos.FrameworkID{Value: m.conn.frameworkID}
		call.FrameworkID, info.ID = id, id
	}
	call.Subscribe.SuppressedRoles = m.demand.Suppressed(info.Roles)
	if m.unregistered() {
		info.Labels = withNonce(info.Labels, m.conn.nonce)
		seconds := registerTimeout.Seconds() // even if the framework's own is shorter: the ID is used again at once
		info.FailoverTimeout = &seconds
	}
	filter := m.filter.Subscribing()
	info.OfferFilters = filter.OfferFilters(info.OfferFilters)
	m.emit(subscribe{stream: m.conn.stream, call: call, constraints: filter.Constraints, find: m.conn.tryNonce()})
}

// unrecorded reports whether the framework has to be on record before SUBSCRIBE: before its first one, so that whoever
// finds an unknown framework in the cluster, or a record without ID, can find the other; and in each term of leadership, so
// that nobody takes the stream who cannot write.
func (m *machine) unrecorded() bool {
	return m.settings.durable && (m.conn.frameworkID == "" || m.settings.term > 0) && !m.storage.durable.Equal(m.framework())
}

// recorded subscribes, since the framework is on record now.
func (m *machine) recorded(now time.Time) {
	if m.conn.phase == recording {
		m.subscribe(now)
	}
}

// ensureNonce gives a framework without ID the nonce of its first registration, unless it has one from an attempt
// before. 106 random bits are never the same twice.
func (m *machine) ensureNonce() {
	if m.settings.durable && m.conn.frameworkID == "" && m.conn.nonce == "" {
		part := func() uint64 { return uint64(m.settings.random() * (1 << 53)) }
		m.conn.setNonce(fmt.Sprintf("%014x%014x", part(), part()))
	}
}

// nonceLabel is the key of the label that a framework has until its ID is stored.
const nonceLabel = "mesos-actor-go/registration"

// withNonce returns labels with that of the nonce.
func withNonce(labels *mesos.Labels, nonce string) *mesos.Labels {
	return &mesos.Labels{Labels: append(slices.Clone(labels.GetLabels()), mesos.Label{Key: nonceLabel, Value: &nonce})}
}

// registerTimeout is the failover timeout of a new framework until its ID is stored. If the process dies before
// that, nothing runs under the ID and nobody will use it again, so that the master may soon remove it.
const registerTimeout = time.Minute

// registered subscribes with the framework's ID, which is stored now.
func (m *machine) registered(now time.Time, stream int) {
	if m.conn.phase == registering && stream == m.conn.stream {
		m.emit(closeStream{stream: stream})
		m.subscribe(now)
	}
}

func (m *machine) subscribed(now time.Time, s *scheduler.Event_Subscribed) {
	id := s.GetFrameworkID().GetValue()
	if err := m.conn.checkID(id); err != nil {
		m.disconnected(now, err)
		return
	}
	known, unregistered := m.conn.frameworkID != "", m.unregistered()
	heartbeat, believed := heartbeatOf(s.GetHeartbeatIntervalSeconds())
	if m.conn.subscribed(now, id, heartbeat) {
		m.touch("")
	}
	if unregistered {
		m.conn.register()
		if r := (register{stream: m.conn.stream}); !m.storage.postpone(now, r) {
			m.registered(now, r.stream)
		}
		return
	}
	if m.settings.filterOffers && m.filter.Subscribed(now, s.GetMasterInfo().GetVersion()) == offerfilter.Disconnect {
		m.disconnected(now, errors.New("the master is too old for offer constraints; without them next"))
		return
	}
	m.conn.open(now)
	if m.conn.led(printable.Cut(s.GetMasterInfo().GetID())) {
		m.believeAgain()
	}
	m.emit(notify{ConnectionEvent{Connected: true, FrameworkID: m.conn.frameworkID}})
	if !believed {
		m.emit(warn{fmt.Sprintf("the master says that heartbeats come each %g s, which is taken for %v", s.GetHeartbeatIntervalSeconds(), heartbeat)})
	}
	if m.teardown.wanted {
		m.call(&scheduler.Call{Type: scheduler.Call_TEARDOWN})
		return
	}
	// A KILL may have been lost with the last connection.
	for _, e := range m.tasks.filtered(func(e *entry) bool {
		return e.Killing && !e.Info.State.Terminal() && e.launch != launchHeld // otherwise it follows the ACCEPT
	}) {
		m.sendKill(now, e)
	}
	if known || len(m.reconciliation.callers) > 0 {
		m.reconcile(now, 0)
	} else {
		m.reconcileLater(now) // a new framework has no tasks
	}
}

// disconnected ends the current subscription, whose stream may or may not have ended already,
// and schedules the next attempt. If another attempt would be useless it ends the run.
func (m *machine) disconnected(now time.Time, err error) {
	m.emit(closeStream{stream: m.conn.stream, err: err})
	wasConnected := m.conn.connected()
	var refused *SubscribeError
	if m.conn.phase == connecting && errors.As(err, &refused) && m.filter.SubscribeRefused() {
		err = fmt.Errorf("refused with offer constraints; without them next: %s", err)
	}
	m.conn.lose(now, err)
	m.pool.takeAll()
	m.cancelLaunches(now, "the subscription ended before the launch was stored", all)
	m.dropCalls()
	m.backoff.reset(now)
	m.acks.reset()
	event := ConnectionEvent{FrameworkID: m.conn.frameworkID, Err: err}
	if final(err) {
		m.emit(notify{event})
		if m.conn.ended != record.NoFramework {
			m.conn.stop()
			m.whenStored(now, stop{err: err})
			return
		}
		m.halt(err)
		return
	}
	// The backoff starts again only after a subscription that lasted for a while.
	if wasConnected && now.Sub(m.conn.openedAt) >= m.settings.backoffMax {
		m.conn.resetAttempts()
	}
	grow := !isLeaderless(err) || m.bound(m.conn.attempts) <= 2*leaderlessPause
	m.conn.retry(now.Add(max(m.pause(err), retryAfter(err))), grow)
	if wasConnected && m.teardown.endsStream() {
		return // most likely because of the TEARDOWN, whose answer is on its way
	}
	event.NextAttempt = m.conn.retryAt
	m.emit(notify{event})
}

// errNotDeclined is why a subscription is ended whose master makes offers and does not take them back.
var errNotDeclined = errors.New("the master has not taken back very many offers that were declined; it takes all back at the end of the subscription")

// checkDeclined ends the subscription if the master does not take back what is declined.
func (m *machine) checkDeclined(now time.Time) {
	if m.conn.connected() && m.backoff.tooManyDeclined() {
		m.disconnected(now, errNotDeclined)
	}
}

// final reports whether another attempt to subscribe would be useless, or harmful.
func final(err error) bool {
	var (
		refused *SubscribeError
		removed *FrameworkRemovedError
		fenced  *FencedError
	)
	return errors.Is(err, ErrEvicted) || errors.As(err, &refused) || errors.As(err, &removed) || errors.As(err, &fenced)
}

const (
	// newLeaderPause is the longest pause once another master leads. Schedulers that have failed a few times, as in
	// an election that takes seconds, come back spread over it.
	newLeaderPause = time.Second
	// leaderlessPause is the shortest of the pauses while no master leads, and half of the longest, once they have grown.
	leaderlessPause = time.Second
)

// pause returns how long to wait before the next attempt: a random time below a bound that doubles with each attempt, so
// that the schedulers of a cluster do not all subscribe at the same time. It stays short while no master leads, since asking
// is cheap, and once another one does.
func (m *machine) pause(err error) time.Duration {
	bound := m.bound(m.conn.attempts)
	switch {
	case (m.conn.newLeader || errors.Is(err, errNewLeader) || isRedirected(err)) && m.conn.shortPause():
		bound = min(bound, newLeaderPause)
	case isLeaderless(err) && bound > 2*leaderlessPause:
		return leaderlessPause + m.random(leaderlessPause)
	}
	return m.random(bound)
}

// leaderElected is called when another master leads: a pause ends soon.
func (m *machine) leaderElected(now time.Time) {
	if m.conn.phase != waiting {
		m.conn.noteNewLeader()
	} else if m.conn.shortPause() {
		m.conn.retryBy(now.Add(m.random(min(m.bound(m.conn.attempts), newLeaderPause))))
	}
}

// bound returns what the pause is below, after so many attempts that failed in a row.
func (m *machine) bound(attempts int) time.Duration {
	if attempts >= 32 {
		return m.settings.backoffMax
	}
	return min(m.settings.backoffMax, m.settings.backoffMin<<attempts)
}

// random returns a random time below bound.
func (m *machine) random(bound time.Duration) time.Duration {
	return time.Duration(m.settings.random() * float64(bound))
}

// isLeaderless reports whether an attempt failed because no master leads.
func isLeaderless(err error) bool {
	var leaderless *leaderlessError
	return errors.As(err, &leaderless)
}

// isRedirected reports whether a subscription ended because its master has redirected a call to another one.
func isRedirected(err error) bool {
	var refused *CallError
	const temporaryRedirect = 307
	return errors.As(err, &refused) && refused.Status == temporaryRedirect
}

// halt ends the run.
func (m *machine) halt(err error) {
	m.conn.stop()
	m.storage.journal.Close() // another process may be leading
	m.emit(stop{err: err})
}

// stopUnmarked ends a run that waits only for a removed framework to be marked on record, which has failed, and reports
// whether there was one. Whoever leads next is told by the master again.
func (m *machine) stopUnmarked(failed error) bool {
	if m.conn.phase != stopped || m.conn.ended != record.Removed {
		return false
	}
	for _, a := range m.storage.journal.Take(func(w journal.Waiting[action]) bool { _, last := w.Action.(stop); return last }) {
		m.emit(notify{StoreEvent{Err: failed}})
		m.halt(a.(stop).err)
	}
	return true
}

// errorEvent takes an ERROR event: the master ends this subscription.
func (m *machine) errorEvent(now time.Time, message string) {
	switch meaning := mastertext.MeaningOf(message); {
	case meaning == mastertext.FrameworkRemoved && m.teardown.wanted:
		m.tornDown(now)
	case meaning == mastertext.FrameworkRemoved && m.conn.frameworkID == "":
		m.disconnected(now, errors.New("the framework that was found by its nonce was removed meanwhile"))
	case meaning == mastertext.FrameworkRemoved && m.settings.renew:
		removed := m.conn.frameworkID
		m.conn.renew(now)
		m.disconnected(now, errors.New("the framework was removed; another is registered"))
		m.loseLaunched(now, removed)
		m.conn.forget()
		m.ensureNonce()
		m.touch("")
	case meaning == mastertext.FrameworkRemoved:
		if m.settings.durable { // so that nobody tries again
			m.conn.markEnded(record.Removed)
			m.touch("")
		}
		m.disconnected(now, &FrameworkRemovedError{FrameworkID: m.conn.frameworkID})
	case meaning == mastertext.FailedOver:
		m.disconnected(now, ErrEvicted)
	case meaning == mastertext.NotAllowed:
		m.disconnected(now, &SubscribeError{Master: m.conn.master, Status: 200, Message: message})
	default:
		m.disconnected(now, fmt.Errorf("scheduler: %s has ended the subscription: %s", cmp.Or(m.conn.master, "the master"), message))
	}
}

// beginTeardown asks the master to end the framework. Without a subscription the next one does.
func (m *machine) beginTeardown(caller ref) {
	if first := m.teardown.request(caller); first && m.conn.connected() {
		m.call(&scheduler.Call{Type: scheduler.Call_TEARDOWN})
	}
}

// setInfo sets the FrameworkInfo for the following subscriptions. The default of its failover timeout depends on whether
// another process can go on with the tasks.
func (m *machine) setInfo(info mesos.FrameworkInfo) {
	if info.FailoverTimeout == nil {
		timeout := memoryFailoverTimeout
		if m.settings.durable {
			timeout = durableFailoverTimeout
		}
		seconds := timeout.Seconds()
		info.FailoverTimeout = &seconds
	}
	m.conn.setInfo(info)
	m.demand.SetRoles(info.Roles)
}
