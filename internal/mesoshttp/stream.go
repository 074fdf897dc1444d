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
	arrived    bool // Await has read the next frame, and these are:
	size       int  // its bytes on the wire
	event      encoded
	err        error // why there is no event
}

// ID returns the stream ID, which every call of this subscription must have.
func (s *Stream) ID() string { return s.id }

// Master returns the base URL of the master of the subscription, for its calls: the one given to Client.Subscribe, or
// the one that this has redirected to.
func (s *Stream) Master() string { return s.master }

// Ready reports whether the next event has arrived, so that neither Await nor Next will wait for it.
func (s *Stream) Ready() bool { return s.arrived || s.frames.Ready() }

// Await waits until the next event has arrived, and returns about how many bytes of memory it takes once Next has decoded it,
// 0 if Next is going to return an error: so a caller can make room before. Only one goroutine at a time may call Await and Next.
func (s *Stream) Await() (memory int) {
	if !s.arrived {
		s.receive()
	}
	if s.err != nil {
		return 0
	}
	return s.event.memory
}

// receive reads the next frame, and whether it may be decoded.
func (s *Stream) receive() {
	s.arrived, s.size, s.event, s.err = true, 0, encoded{}, nil
	var frame []byte
	if s.skipped == maxSkipped {
		s.err = s.end(nil)
	} else if frame, s.err = s.frames.ReadFrame(); s.err != nil {
		s.err = s.end(s.err)
	} else if s.event, s.err = s.decoder.inspect(frame); s.err != nil {
		s.err = s.skip(len(frame), s.err)
	}
	s.size = len(frame)
}

// Next returns the next event, for which it waits unless Await has. The event is the caller's.
//
// The error is io.EOF when the master has ended the stream properly, io.ErrUnexpectedEOF when the connection
// broke without that or the end came inside an event, net.ErrClosed after Close, context.Cause of the context
// given to Subscribe when that has ended, a *recordio.LengthError or *recordio.SizeError, a *GarbledError after 100 frames in
// a row that had to be skipped, or an error of the network or of HTTP. All of them are final, and have closed the connection.
//
// After a *DecodeError, and only then, Next can be called again: it returns the event after the one that was skipped.
func (s *Stream) Next() (*scheduler.Event, error) {
	if !s.arrived {
		s.receive()
	}
	s.arrived = false
	if s.err != nil {
		return nil, s.err
	}
	event, err := s.decode()
	if err != nil {
		return nil, s.skip(s.size, err)
	}
	s.skipped = 0
	return event, nil
}

// decode returns the event that has arrived, or why it has to be skipped.
func (s *Stream) decode() (*scheduler.Event, error) {
	event, err := s.decoder.unmarshal(s.event)
	s.event = encoded{} // it may be large
	if err == nil {
		err = complete(event)
	}
	if err != nil || event.Type != scheduler.Event_SUBSCRIBED {
		return event, err
	}
	if s.subscribed {
		return nil, errSubscribedTwice
	}
	s.subscribed = true
	return event, nil
}

// skip returns the error for a frame of that size that is no event.
func (s *Stream) skip(size int, err error) error {
	if s.skipped++; s.skipped == maxSkipped {
		return s.end(&GarbledError{Frames: maxSkipped, Err: err})
	}
	return &DecodeError{Master: s.master, Codec: s.decoder.codec, Size: size, Err: err}
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
