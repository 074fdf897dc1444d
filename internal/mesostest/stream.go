package mesostest

import "github.com/mesos/mesos-go/api/v1/lib/scheduler"

// push queues an event for the handler, which never blocks the loop: when the handler
// has not fetched the last batch, it is taken back and made longer. hold keeps the
// event back instead, as long as the master is silent.
func (s *subscription) push(e *scheduler.Event, hold bool) {
	if s.over {
		return
	}
	if hold {
		s.held = append(s.held, e)
		return
	}
	select {
	case batch := <-s.events:
		s.events <- append(batch, e)
	default:
		s.events <- []*scheduler.Event{e}
	}
}

// release sends what was held.
func (s *subscription) release() {
	held := s.held
	s.held = nil
	for _, e := range held {
		s.push(e, false)
	}
}

// abandon ends the stream without sending the client anything more, not even the last chunk.
func (s *subscription) abandon() {
	s.held = nil
	s.over = true
}

// close ends the stream in order: after the last event comes the last chunk.
func (s *subscription) close() {
	if !s.over {
		s.release()
		s.over = true
		close(s.events)
	}
}
