package flood

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// sent is how much a master has sent.
type sent struct {
	events int
	bytes  int
}

// master floods whoever subscribes. It speaks HTTP by itself, so that nothing is in the way of the flood.
type master struct {
	flood      flood
	listener   net.Listener
	subscribed chan struct{} // closed with the first SUBSCRIBE
	once       sync.Once
	ended      chan struct{}
	serving    sync.WaitGroup
	events     atomic.Int64
	bytes      atomic.Int64
}

func newMaster(l net.Listener, f flood) *master {
	m := &master{flood: f, listener: l, subscribed: make(chan struct{}), ended: make(chan struct{})}
	m.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.serving.Go(func() { m.serve(conn) })
		}
	})
	return m
}

// close ends the master and returns what it has sent.
func (m *master) close() sent {
	close(m.ended)
	m.listener.Close()
	m.serving.Wait()
	return sent{int(m.events.Load()), int(m.bytes.Load())}
}

// serve serves a connection until it breaks or the master ends.
func (m *master) serve(conn net.Conn) {
	defer conn.Close()
	m.serving.Go(func() {
		<-m.ended
		conn.Close()
	})
	for requests := bufio.NewReader(conn); ; {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		var call calls.Call
		if err != nil || call.Unmarshal(body) != nil {
			return
		}
		switch {
		case call.Type == calls.Call_SUBSCRIBE:
			m.send(conn, call.GetFrameworkID().GetValue())
			return
		case m.flood.answered:
			if _, err := io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"); err != nil {
				return
			}
		}
	}
}

// send sends SUBSCRIBED and then the flood.
func (m *master) send(w io.Writer, id string) {
	if id == "" {
		id = "framework"
	}
	interval := 15.0
	subscribed := framed(&calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{
		FrameworkID: &mesos.FrameworkID{Value: id}, HeartbeatIntervalSeconds: &interval,
	}})
	_, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: stream\r\n\r\n"+string(subscribed))
	m.once.Do(func() { close(m.subscribed) })
	for batch := 0; err == nil; batch++ {
		var n int
		n, err = w.Write(m.flood.frames(batch))
		m.bytes.Add(int64(n))
		m.events.Add(int64(m.flood.events))
		select {
		case <-m.ended:
			return
		case <-time.After(m.flood.pause):
		}
	}
}
