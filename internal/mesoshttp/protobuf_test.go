package mesoshttp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// fieldOf encodes a length-delimited field of a protobuf message.
func fieldOf(number int, content []byte) []byte {
	b := binary.AppendUvarint(nil, uint64(number)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(content)))
	return append(b, content...)
}

// Large events with unknown fields that are not groups are decoded.
func TestLargeEventsAreDecoded(t *testing.T) {
	data := bytes.Repeat([]byte{15<<3 | 3}, 2<<20)
	message := &scheduler.Event{Type: scheduler.Event_MESSAGE, Message: &scheduler.Event_Message{
		AgentID: mesos.AgentID{Value: "a"}, ExecutorID: mesos.ExecutorID{Value: "e"}, Data: data,
	}}
	frame, err := message.Marshal()
	require.NoError(t, err)
	got, _, err := newDecoder(Protobuf).decode(frame)
	require.NoError(t, err)
	require.Equal(t, message, got)

	offers := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
	for range 30_000 {
		offers.Offers.Offers = append(offers.Offers.Offers, mesos.Offer{
			ID: mesos.OfferID{Value: "offer"}, AgentID: mesos.AgentID{Value: "agent"}, FrameworkID: mesos.FrameworkID{Value: "fw"}, Hostname: "a-host-name.example",
		})
	}
	frame, err = offers.Marshal()
	require.NoError(t, err)
	got, _, err = newDecoder(Protobuf).decode(frame)
	require.NoError(t, err)
	require.Len(t, got.Offers.Offers, 30_000)
}

// An answer that switches protocols must not keep the connection beyond the context of its call.
func TestSwitchingProtocols(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go func() {
			_, _ = http.ReadRequest(bufio.NewReader(far))
			_, _ = io.WriteString(far, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		}()
		client, err := New(Config{DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }})
		require.NoError(t, err)
		defer client.Close()
		var status *StatusError
		require.ErrorAs(t, client.Call(t.Context(), "http://h", "1", &scheduler.Call{Type: scheduler.Call_REVIVE}, nil), &status)
		require.Equal(t, http.StatusSwitchingProtocols, status.Status)
	})
}
