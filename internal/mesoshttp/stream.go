package mesoshttp

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// maxSkipped is how many frames in a row may be skipped. A master that is newer than mesos-go may send events of a type that
// is not known, but others, such as heartbeats, come between them; what sends nothing else is no master.
const maxSkipped = 100

// errSubscribedTwice is why an event is skipped.
var errSubscribedTwice = errors.New("SUBSCRIBED on a stream that is subscribed")

// Stream is a subscription: the events that a master sends until either side ends it. Client.Subscribe opens it.
type Stream struct {
	master  string
	id      string
	frames  *recordio.Reader
	decoder decoder
	cancel  context.CancelCauseFunc // ends the context of the request, and so its connection
	cause   func() error            // returns why that context has ended

	subscribed bool // SUBSCRIBED has come
	skipped    int  // frames since the last event
	size       int  // bytes that the last event takes in memory
}

// ID returns the stream ID, which every call of this subscription must have.
func (s *Stream) ID() string { return s.id }

// Master returns the base URL of the master of the subscription, for its calls: the one given to Client.Subscribe, or
// the one that this has redirected to.
func (s *Stream) Master() string { return s.master }

// Size returns about how many bytes the event that Next has returned last takes in memory.
func (s *Stream) Size() int { return s.size }

// Next waits for the next event. Only one goroutine at a time may call it. The event is the caller's.
//
// The error is io.EOF when the master has ended the stream properly, io.ErrUnexpectedEOF when the connection
// broke without that or the end came inside an event, net.ErrClosed after Close, context.Cause of the context
// given to Subscribe when that has ended, a *recordio.LengthError or *recordio.SizeError, a *GarbledError after 100 frames in
// a row that had to be skipped, or an error of the network or of HTTP. All of them are final, and have closed the connection.
//
// After a *DecodeError, and only then, Next can be called again: it returns the event after the one that was skipped.
func (s *Stream) Next() (*scheduler.Event, error) {
	if s.skipped == maxSkipped {
		return nil, s.end(nil)
	}
	frame, err := s.frames.ReadFrame()
	if err != nil {
		return nil, s.end(err)
	}
	event, size, err := s.event(frame)
	if err == nil {
		s.skipped, s.size = 0, size
		return event, nil
	}
	if s.skipped++; s.skipped == maxSkipped {
		return nil, s.end(&GarbledError{Frames: maxSkipped, Err: err})
	}
	return nil, &DecodeError{Master: s.master, Codec: s.decoder.codec, Size: len(frame), Err: err}
}

// event returns the event in frame and its size in memory, or why it has to be skipped.
func (s *Stream) event(frame []byte) (event *scheduler.Event, size int, err error) {
	event, size, err = s.decoder.event(frame)
	if err != nil || event.Type != scheduler.Event_SUBSCRIBED {
		return event, size, err
	}
	if s.subscribed {
		return nil, 0, errSubscribedTwice
	}
	s.subscribed = true
	return event, size, nil
}

// end ends the stream and returns why it has ended. The first reason counts, now and in every further Next: after Close
// or the end of the caller's context, the error of the broken connection depends on which goroutine was first.
func (s *Stream) end(err error) error {
	s.cancel(err)
	return fmt.Errorf("mesoshttp: event stream of %s: %w", s.master, s.cause())
}

// Close ends the stream: its connection is closed, which a master takes as a disconnection, and a waiting
// Next returns. Close may be called from any goroutine, and more than once. A Next after it may still return
// an event that had already arrived.
func (s *Stream) Close() {
	s.cancel(net.ErrClosed)
}
