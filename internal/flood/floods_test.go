package flood

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// flood is what a master sends to a scheduler that has twenty tasks pending.
type flood struct {
	name      string
	configure func(*scheduler.Config)
	most      int                    // KiB that the process may take; 0: as usual
	answered  bool                   // calls are, with 202; otherwise they hang
	pause     time.Duration          // between batches
	events    int                    // in a batch
	frames    func(batch int) []byte // a batch of frames
}

func floods() []flood {
	return []flood{
		{name: "updates of unknown tasks", events: 1000, frames: updates},
		{name: "updates of unknown tasks, adopted", events: 1000, frames: updates, configure: func(c *scheduler.Config) { c.UnknownTasks = scheduler.AdoptUnknown }},
		{name: "updates of unknown tasks, killed", events: 1000, frames: updates, configure: func(c *scheduler.Config) { c.UnknownTasks = scheduler.KillUnknown }},
		{name: "the same update again", events: 1000, frames: func(int) []byte { return bytes.Repeat(update("t0", 0, ""), 1000) }},
		{name: "updates of one task", events: 1000, frames: func(batch int) []byte { return many(batch, func(n int) []byte { return update("t0", n, "") }) }},
		{name: "offers, a thousand in an event", events: 1, frames: offers},
		{name: "offers, a thousand in an event, held", events: 1, frames: offers, configure: func(c *scheduler.Config) { c.Offers.Hold = time.Hour }},
		{name: "offers of 60 KB, held", events: 20, frames: largeOffers, configure: func(c *scheduler.Config) { c.Offers.Hold = time.Hour }},
		{name: "inverse offers", events: 1000, frames: inverseOffers},
		{name: "failures of agents", events: 1000, frames: failures},
		{name: "texts of 30 MB", events: 1, frames: largeTexts},
		{name: "texts and data of 10 MB, of our tasks", events: 1, frames: largeData, answered: true},
		{name: "messages of 30 MB", events: 1, frames: largeMessages, answered: true},
		{name: "updates of 62 MB, a slow matcher", events: 1, frames: hugeUpdates, configure: slowly},
		{name: "offers of 54 MB, a slow matcher", most: 1280 << 10, events: 1, frames: hugeOffers(), configure: slowly},
		{name: "frames that are no events", events: 10_000, frames: func(int) []byte { return bytes.Repeat([]byte("3\n\xff\xff\xff"), 10_000) }},
		{name: "events of no known type", events: 10_000, frames: func(int) []byte { return bytes.Repeat([]byte("2\n\x08\x63"), 10_000) }},
	}
}

// many returns a batch of a thousand frames, which are numbered from batch to batch.
func many(batch int, frame func(n int) []byte) []byte {
	var frames []byte
	for n := range 1000 {
		frames = append(frames, frame(1000*batch+n)...)
	}
	return frames
}

func framed(e *calls.Event) []byte {
	body, err := e.Marshal()
	if err != nil {
		panic(err)
	}
	return append(fmt.Appendf(nil, "%d\n", len(body)), body...)
}

// update is an UPDATE that a task runs, with the n-th uuid.
func update(id string, n int, text string) []byte {
	uuid := binary.BigEndian.AppendUint64(make([]byte, 8), uint64(n))
	status := mesos.TaskStatus{TaskID: mesos.TaskID{Value: id}, State: mesos.TASK_RUNNING.Enum(), AgentID: &mesos.AgentID{Value: "a"}, UUID: uuid}
	if text != "" {
		status.Message = &text
	}
	return framed(&calls.Event{Type: calls.Event_UPDATE, Update: &calls.Event_Update{Status: status}})
}

func updates(batch int) []byte {
	return many(batch, func(n int) []byte { return update(fmt.Sprintf("unknown-%d", n), n, "") })
}

// offer is an offer of an agent of its own, which is too small for any task.
func offer(n int) mesos.Offer {
	return mesos.Offer{
		ID: mesos.OfferID{Value: fmt.Sprintf("offer-%d", n)}, AgentID: mesos.AgentID{Value: fmt.Sprintf("agent-%d", n)}, Hostname: fmt.Sprintf("host-%d", n),
		AllocationInfo: &mesos.Resource_AllocationInfo{Role: &[]string{"*"}[0]},
		Resources:      []mesos.Resource{{Name: "cpus", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 0.1}}},
	}
}

func offersEvent(first, count int) []byte {
	var offers []mesos.Offer
	for n := range count {
		offers = append(offers, offer(first+n))
	}
	return framed(&calls.Event{Type: calls.Event_OFFERS, Offers: &calls.Event_Offers{Offers: offers}})
}

func offers(batch int) []byte { return offersEvent(1000*batch, 1000) }

// largeOffers has offers that say as much about their agents as is taken.
func largeOffers(batch int) []byte {
	var frames []byte
	for n := range 20 {
		o := offer(20*batch + n)
		for a := range 60 {
			value := &mesos.Value_Text{Value: strings.Repeat("v", 900)}
			o.Attributes = append(o.Attributes, mesos.Attribute{Name: fmt.Sprint("attribute-", a), Type: mesos.TEXT, Text: value})
		}
		frames = append(frames, framed(&calls.Event{Type: calls.Event_OFFERS, Offers: &calls.Event_Offers{Offers: []mesos.Offer{o}}})...)
	}
	return frames
}

func inverseOffers(batch int) []byte {
	return many(batch, func(n int) []byte {
		return framed(&calls.Event{Type: calls.Event_INVERSE_OFFERS, InverseOffers: &calls.Event_InverseOffers{InverseOffers: []mesos.InverseOffer{{
			OfferID: mesos.OfferID{Value: fmt.Sprintf("inverse-%d", n)}, AgentID: &mesos.AgentID{Value: fmt.Sprintf("agent-%d", n)},
		}}}})
	})
}

func failures(batch int) []byte {
	return many(batch, func(n int) []byte {
		return framed(&calls.Event{Type: calls.Event_FAILURE, Failure: &calls.Event_Failure{AgentID: &mesos.AgentID{Value: fmt.Sprintf("agent-%d", n)}}})
	})
}

func text(megabytes int) []byte { return bytes.Repeat([]byte("long\n"), megabytes<<20/5) }

func largeTexts(batch int) []byte {
	return update(fmt.Sprintf("unknown-%d", batch), batch, string(text(30)))
}

func largeData(batch int) []byte {
	whole := string(text(10))
	status := mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: fmt.Sprintf("t%d", batch%20)}, State: mesos.TASK_RUNNING.Enum(), AgentID: &mesos.AgentID{Value: "a"},
		UUID: binary.BigEndian.AppendUint64(make([]byte, 8), uint64(batch)), Message: &whole, Data: []byte(whole),
		Labels: &mesos.Labels{Labels: []mesos.Label{{Key: whole[:1<<20], Value: &whole}}},
	}
	return framed(&calls.Event{Type: calls.Event_UPDATE, Update: &calls.Event_Update{Status: status}})
}

func largeMessages(int) []byte {
	return framed(&calls.Event{Type: calls.Event_MESSAGE, Message: &calls.Event_Message{
		AgentID: mesos.AgentID{Value: "a"}, ExecutorID: mesos.ExecutorID{Value: "e"}, Data: text(30),
	}})
}

func hugeUpdates(batch int) []byte { return update("t0", batch, string(text(62))) }

// hugeOffers repeats one event, which takes 280 MiB in memory: larger ones are not decoded.
func hugeOffers() func(int) []byte {
	event := sync.OnceValue(func() []byte { return offersEvent(0, 750_000) })
	return func(int) []byte { return event() }
}

// slowly has matching take a second. The offers are large enough for tasks.
func slowly(c *scheduler.Config) { c.Matcher = slowMatcher{} }

// slowMatcher finds no place for any task, slowly.
type slowMatcher struct{}

func (slowMatcher) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	time.Sleep(time.Second)
	return nil, nil
}
