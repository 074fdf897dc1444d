package scheduler

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// eventLie returns the frames that are sent in place of an event, or between events.
type eventLie = func(s *lyingStream, e *scheduler.Event, random *rand.Rand) []byte

// subscribedLies are the lies in place of SUBSCRIBED.
func subscribedLies() map[string]eventLie {
	return map[string]eventLie{
		"no id": func(s *lyingStream, e *scheduler.Event, random *rand.Rand) []byte {
			e.Subscribed.FrameworkID = pick(random, nil, &mesos.FrameworkID{})
			return s.frames(e)
		},
		"another id": func(s *lyingStream, e *scheduler.Event, random *rand.Rand) []byte {
			if s.framework != "" { // else this is the ID for good
				e.Subscribed.FrameworkID = &mesos.FrameworkID{Value: pick(random, "another", " ", "\n", strings.Repeat("x", 1<<20))}
			}
			return s.frames(e)
		},
		"another id later": func(s *lyingStream, e *scheduler.Event, _ *rand.Rand) []byte {
			first := s.frames(e)
			e.Subscribed.FrameworkID = &mesos.FrameworkID{Value: "another"}
			return slices.Concat(first, s.frames(e, e))
		},
		"subscribed without end": func(s *lyingStream, e *scheduler.Event, _ *rand.Rand) []byte {
			return s.frames(slices.Repeat([]*scheduler.Event{e}, 1000)...)
		},
		"not subscribed": func(s *lyingStream, _ *scheduler.Event, _ *rand.Rand) []byte {
			return s.frames(&scheduler.Event{Type: scheduler.Event_HEARTBEAT})
		},
		"nothing": func(*lyingStream, *scheduler.Event, *rand.Rand) []byte { return nil },
		"nothing in it": func(s *lyingStream, _ *scheduler.Event, random *rand.Rand) []byte {
			return s.frames(&scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: pick(random, nil, &scheduler.Event_Subscribed{})})
		},
		"heartbeat": func(s *lyingStream, e *scheduler.Event, random *rand.Rand) []byte {
			interval := pick(random, 1e300, 3e9, 1e-9, 1e-300, 0, -1, -1e300)
			if !s.json {
				interval = pick(random, interval, math.Inf(1), math.Inf(-1), math.NaN())
			}
			e.Subscribed.HeartbeatIntervalSeconds = &interval
			return s.frames(e)
		},
	}
}

// updateLies are the lies in an UPDATE of the master. They leave the state as it is.
func updateLies() map[string]eventLie {
	return map[string]eventLie{
		"large texts": func(s *lyingStream, e *scheduler.Event, random *rand.Rand) []byte {
			text := strings.Repeat("long\n", random.IntN(400_000))
			e.Update.Status.Message, e.Update.Status.Data = &text, []byte(text)
			return s.frames(e)
		},
	}
}

// eventLies are the lies between the events of the master.
func eventLies() map[string]func(*lyingStream, *rand.Rand) []byte {
	return map[string]func(*lyingStream, *rand.Rand) []byte{
		"no events":      noEvents,
		"no frames":      noFrames,
		"half a frame":   func(*lyingStream, *rand.Rand) []byte { return []byte("60000000\n1") },
		"deep":           deep,
		"unknown tasks":  unknownUpdates,
		"updates again":  func(s *lyingStream, random *rand.Rand) []byte { return bytes.Repeat(s.update, random.IntN(300)) },
		"large messages": largeMessages,
		"offers":         inventedOffers,
		"offers again":   func(s *lyingStream, _ *rand.Rand) []byte { return s.again() },
		"rescinds":       rescinds,
		"inverse offers": inverseOffers,
		"failures":       failures,
		"errors":         errorEvents,
		"parts missing":  partsMissing,
		"many heartbeats": func(s *lyingStream, _ *rand.Rand) []byte {
			return s.many(1000, &scheduler.Event{Type: scheduler.Event_HEARTBEAT})
		},
	}
}

func (s *lyingStream) many(n int, e *scheduler.Event) []byte { return bytes.Repeat(s.frames(e), n) }

// again repeats the last offers, some of which have been used.
func (s *lyingStream) again() []byte {
	if s.offers == nil {
		return nil
	}
	return s.many(3, s.offers)
}

// noEvents are frames that are no events: a few, or more than anybody should read.
func noEvents(_ *lyingStream, random *rand.Rand) []byte {
	frame := pick(random, "", "\xff", "{}", "[", "null", "\x08\x63", "{\"type\":\"MESSAGE\"}", strings.Repeat("\x00", 1000))
	return bytes.Repeat(framed([]byte(frame)), pick(random, 1, 50, 500))
}

// noFrames end the framing.
func noFrames(_ *lyingStream, random *rand.Rand) []byte {
	return []byte(pick(random, "9999999999999999999\n", "99999999999999999999999999", "-1\n", "\n", "0x10\n", "1e3\n", "HTTP/1.1 500 \r\n", strings.Repeat(" ", 100), "67108865\n"))
}

// deep is an event that nests messages, groups or values deeper than a stack is.
func deep(s *lyingStream, random *rand.Rand) []byte {
	const levels = 50_000
	if s.json {
		open, closing := pick(random, "[", `{"parent":`), "]"
		if open != "[" {
			closing = "}"
		}
		return framed([]byte(`{"type":"UPDATE","update":{"status":{"container_status":{"container_id":` + strings.Repeat(open, levels) + "1" + strings.Repeat(closing, levels) + "}}}}"))
	}
	if random.IntN(3) == 0 {
		return framed(append([]byte{0x08, 0x03}, bytes.Repeat([]byte{0x9b, 0x06}, levels)...)) // groups of field 99 that begin
	}
	nested := []byte{} // from its end to its beginning, ContainerID.parent in each other
	for range levels {
		nested = prependField(nested, 2)
	}
	for _, field := range []byte{4, 13, 1, 5} { // TaskStatus.container_status.container_id of UPDATE
		nested = prependField(nested, field)
	}
	nested = append(nested, byte(scheduler.Event_UPDATE), 0x08)
	slices.Reverse(nested)
	return framed(nested)
}

// prependField makes a message that is written backwards the contents of a field.
func prependField(message []byte, number byte) []byte {
	var length []byte
	for n := len(message); ; n >>= 7 {
		if n < 0x80 {
			length = append(length, byte(n))
			break
		}
		length = append(length, byte(n)|0x80)
	}
	slices.Reverse(length)
	return append(append(message, length...), number<<3|2)
}

// invent returns an ID that the master has never used.
func (s *lyingStream) invent(random *rand.Rand) string {
	s.invented++
	prefix := pick(random, "", "", "\n", "\x1b[2J", "../../x")
	if random.IntN(50) == 0 {
		prefix = strings.Repeat("long", pick(random, 250, 10_000))
	}
	return prefix + "invented-" + strconv.Itoa(s.invented)
}

// unknownUpdates are about tasks that nobody has launched.
func unknownUpdates(s *lyingStream, random *rand.Rand) []byte {
	var frames []byte
	for range random.IntN(200) {
		state := pick(random, mesos.TASK_RUNNING, mesos.TASK_RUNNING, mesos.TASK_FAILED, mesos.TASK_UNREACHABLE, mesos.TaskState(777))
		if s.json && state == 777 {
			state = mesos.TASK_STAGING
		}
		status := mesos.TaskStatus{TaskID: mesos.TaskID{Value: s.invent(random)}, State: &state, AgentID: &mesos.AgentID{Value: s.invent(random)}, UUID: make([]byte, pick(random, 0, 16, 16, 16, 3))}
		for i := range status.UUID {
			status.UUID[i] = byte(random.Uint32())
		}
		frames = append(frames, s.frames(&scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}})...)
	}
	return frames
}

func largeMessages(s *lyingStream, random *rand.Rand) []byte {
	data := make([]byte, random.IntN(4<<20))
	if random.IntN(2) == 0 {
		return s.frames(&scheduler.Event{Type: scheduler.Event_MESSAGE, Message: &scheduler.Event_Message{
			AgentID: mesos.AgentID{Value: s.invent(random)}, ExecutorID: mesos.ExecutorID{Value: s.invent(random)}, Data: data,
		}})
	}
	text := strings.Repeat("long\n", len(data)/5)
	status := mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: s.invent(random)}, AgentID: &mesos.AgentID{Value: s.invent(random)}, UUID: make([]byte, 16),
		State: mesos.TASK_RUNNING.Enum(), Message: &text, Data: data,
	}
	return s.frames(&scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}})
}

// inventedOffers are offers of invented agents and, under other IDs, those of real ones.
func inventedOffers(s *lyingStream, random *rand.Rand) []byte {
	var offers []mesos.Offer
	for range random.IntN(300) {
		o := mesos.Offer{AgentID: mesos.AgentID{Value: s.invent(random)}, Hostname: s.invent(random)}
		if real := s.offers.GetOffers().GetOffers(); len(real) > 0 && random.IntN(3) == 0 {
			o = real[random.IntN(len(real))]
		}
		o.ID = mesos.OfferID{Value: s.invent(random)}
		amount := pick(random, 0, -1, 1, 1e308, 1e-308, 64)
		if !s.json {
			amount = pick(random, amount, math.NaN(), math.Inf(1))
		}
		if random.IntN(2) == 0 {
			o.Resources = []mesos.Resource{
				{Name: pick(random, "cpus", "cpus", "\n"), Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: amount}},
				{Name: "mem", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: amount}},
				{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 0, End: math.MaxUint64}, {Begin: 9, End: 3}}}},
			}
		}
		offers = append(offers, o)
	}
	return s.frames(&scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: offers}})
}

func rescinds(s *lyingStream, random *rand.Rand) []byte {
	if random.IntN(2) == 0 {
		return s.many(300, &scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: s.invent(random)}}})
	}
	return s.many(300, &scheduler.Event{Type: scheduler.Event_RESCIND_INVERSE_OFFER, RescindInverseOffer: &scheduler.Event_RescindInverseOffer{InverseOfferID: mesos.OfferID{Value: s.invent(random)}}})
}

// inverseOffers ask for agents back, for a minute at most: those of real agents are vacated.
func inverseOffers(s *lyingStream, random *rand.Rand) []byte {
	var offers []mesos.InverseOffer
	for range random.IntN(300) {
		agent := &mesos.AgentID{Value: s.invent(random)}
		if real := s.offers.GetOffers().GetOffers(); len(real) > 0 && random.IntN(3) == 0 {
			agent = &real[random.IntN(len(real))].AgentID
		}
		offers = append(offers, mesos.InverseOffer{
			OfferID: mesos.OfferID{Value: s.invent(random)}, AgentID: pick(random, nil, agent),
			Unavailability: mesos.Unavailability{
				Start: mesos.TimeInfo{Nanoseconds: time.Now().UnixNano()}, Duration: &mesos.DurationInfo{Nanoseconds: pick(random, 1, int64(time.Minute))},
			},
		})
	}
	return s.frames(&scheduler.Event{Type: scheduler.Event_INVERSE_OFFERS, InverseOffers: &scheduler.Event_InverseOffers{InverseOffers: offers}})
}

// failures are the losses of agents and executors, of which the master tells without consequences.
func failures(s *lyingStream, random *rand.Rand) []byte {
	agent := &mesos.AgentID{Value: s.invent(random)}
	if real := s.offers.GetOffers().GetOffers(); len(real) > 0 && random.IntN(2) == 0 {
		agent = &real[random.IntN(len(real))].AgentID
	}
	return s.many(random.IntN(300), &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{
		AgentID: pick(random, nil, agent), ExecutorID: pick(random, nil, &mesos.ExecutorID{Value: s.invent(random)}),
	}})
}

func errorEvents(s *lyingStream, random *rand.Rand) []byte {
	text := pick(random, "", "Framework has been removed?", "framework failed over", "\x1b[31m\n", "Framework failed over", strings.Repeat("no", 1<<20), fmt.Sprint(random.Uint64()))
	return s.frames(&scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: text}})
}

// partsMissing are events without what their type needs.
func partsMissing(s *lyingStream, random *rand.Rand) []byte {
	var frames []byte
	for range random.IntN(50) {
		frames = append(frames, s.frames(&scheduler.Event{Type: pick(random, scheduler.Event_UPDATE, scheduler.Event_OFFERS, scheduler.Event_RESCIND, scheduler.Event_FAILURE,
			scheduler.Event_MESSAGE, scheduler.Event_INVERSE_OFFERS, scheduler.Event_UPDATE_OPERATION_STATUS, scheduler.Event_UNKNOWN)})...)
	}
	return frames
}
