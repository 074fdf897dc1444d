package detector

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
)

// fake is a Detector in a bubble, with a fake server.
type fake struct {
	*testing.T
	*Detector
	server *zktest.Fake
	log    *logs
	began  time.Time
	leads  atomic.Int64 // how often another leader was told of
}

// withFake calls f with a Detector that runs with a fake server.
func withFake(t *testing.T, server *zktest.Fake, tls bool, f func(*fake)) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		l, err := network.Listen("zk.example:2181")
		require.NoError(t, err)
		served, ran := make(chan struct{}), make(chan error, 1)
		go func() {
			defer close(served)
			server.Serve(l)
		}()
		d := &fake{T: t, server: server, log: new(logs), began: time.Now()}
		d.Detector, err = New(Config{
			Master: "zk://zk.example/mesos", TLS: tls, DialContext: network.DialContext, Logger: slog.New(slog.NewTextHandler(d.log, nil)),
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ran <- d.Detector.Run(ctx, func() { d.leads.Add(1) }) }()
		defer func() {
			cancel()
			require.ErrorIs(t, <-ran, context.Canceled)
			require.NoError(t, l.Close())
			<-served
		}()
		f(d)
	})
}

// at waits until that much time has passed since the beginning.
func (d *fake) at(after time.Duration) {
	time.Sleep(time.Until(d.began.Add(after)))
	synctest.Wait()
}

// oneMaster returns a server with one node.
func oneMaster(node string, data func() []byte) *zktest.Fake {
	return &zktest.Fake{
		Children: func() []string { return []string{node} },
		Data:     func(string) ([]byte, int64) { return data(), 1 },
	}
}

// A server fires each watch as soon as it is set: there is the first look, ten more at once, and then each two seconds.
func TestWatchStorm(t *testing.T) {
	server := oneMaster("json.info_0000000001", func() []byte { return []byte(info(5050)) })
	server.Storm = true
	withFake(t, server, false, func(d *fake) {
		d.at(time.Second)
		require.Equal(d, 11, server.Count(zktest.OpChildren))
		require.Equal(d, 11, server.Count(zktest.OpData))
		d.at(time.Minute - 1)
		require.Equal(d, 11+29, server.Count(zktest.OpChildren))
		d.at(time.Hour - 1)
		require.Equal(d, 11+59*30+29, server.Count(zktest.OpChildren))
		require.Equal(d, 1, server.Count(zktest.OpConnect))
		require.EqualValues(d, 1, d.leads.Load())
		require.Equal(d, 1, strings.Count(d.log.text(), "\n"), d.log.text())
	})
}

// Another leader 1,000 times a second, by its node or by its address. When it is over, the last one is known two seconds later.
func TestLeaderFlaps(t *testing.T) {
	var n atomic.Int64
	server := &zktest.Fake{
		Children: func() []string { return []string{fmt.Sprintf("json.info_%010d", n.Load())} },
		Data:     func(string) ([]byte, int64) { return []byte(info(5000 + int(n.Load()%10))), n.Load() },
	}
	withFake(t, server, false, func(d *fake) {
		for range 60_000 {
			n.Add(1)
			server.Change()
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		require.LessOrEqual(d, server.Count(zktest.OpChildren), 10+31)
		require.LessOrEqual(d, d.leads.Load(), int64(10+31))
		require.LessOrEqual(d, strings.Count(d.log.text(), "\n"), 10+31)
		d.at(time.Minute + 2*time.Second)
		lead, err := d.Leader(d.Context())
		require.NoError(d, err)
		require.Equal(d, fmt.Sprintf("http://127.0.0.1:%d", 5000+n.Load()%10), lead.URL)

		// Afterwards single changes are seen at once, ten of them as well.
		d.at(2 * time.Minute)
		for range 10 {
			n.Add(1)
			server.Change()
			synctest.Wait()
			time.Sleep(time.Nanosecond) // of the pause
			synctest.Wait()
			lead, err := d.Leader(d.Context())
			require.NoError(d, err)
			require.Equal(d, fmt.Sprintf("http://127.0.0.1:%d", 5000+n.Load()%10), lead.URL)
		}
	})
}

// Each session ends at once, is refused, or is damaged: one a second, and one line in the log.
func TestSessionsThatEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long with the race detector; it runs without -short")
	}
	for why, answer := range map[string]func(operation int32, answer []byte) []byte{
		"a data length of 2 GiB": func(op int32, answer []byte) []byte {
			return with(answer, op == zktest.OpData, 16, 1<<31-1)
		},
		"4,000,000,000 children": func(op int32, answer []byte) []byte {
			return with(answer, op == zktest.OpChildren, 16, 4_000_000_000)
		},
		"a password of 2 GiB": func(op int32, answer []byte) []byte {
			return with(answer, op == zktest.OpConnect, 16, 1<<31-1)
		},
		"100,000 children": func(op int32, answer []byte) []byte {
			if op != zktest.OpChildren {
				return answer
			}
			answer = binary.BigEndian.AppendUint32(answer[:16], 100_000)
			for i := range 100_000 {
				answer = fmt.Appendf(binary.BigEndian.AppendUint32(answer, 20), "json.info_%010d", i)
			}
			return append(answer, make([]byte, 68)...)
		},
		"an answer that is cut short": func(op int32, answer []byte) []byte {
			if op == zktest.OpChildren {
				return answer[:30]
			}
			return answer
		},
	} {
		t.Run(why, func(t *testing.T) {
			server := oneMaster("json.info_0000000001", func() []byte { return []byte(info(5050)) })
			server.Answer = answer
			withFake(t, server, false, func(d *fake) {
				d.at(time.Minute)
				require.LessOrEqual(d, server.Count(zktest.OpConnect), 61)
				require.LessOrEqual(d, server.Count(zktest.OpChildren), 61)
				require.Equal(d, 1, strings.Count(d.log.text(), "\n"), d.log.text())
				require.Less(d, len(d.log.text()), 500)
				_, err := d.Leader(d.Context())
				require.ErrorContains(d, err, "no leading master is known yet")
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				require.Less(d, memory.Sys, uint64(512<<20))
			})
		})
	}
}

// with returns an answer with another number at a place.
func with(answer []byte, changed bool, at int, number uint32) []byte {
	if changed {
		binary.BigEndian.PutUint32(answer[at:], number)
	}
	return answer
}

// A server that lives and leaves a question without an answer is left after a session timeout, and so on.
func TestQuestionWithoutAnAnswer(t *testing.T) {
	for _, silent := range []int32{zktest.OpSync, zktest.OpChildren, zktest.OpData} {
		var lives atomic.Bool
		server := oneMaster("json.info_0000000001", func() []byte { return []byte(info(5050)) })
		server.Answer = func(op int32, answer []byte) []byte {
			if op == silent && !lives.Load() {
				return nil
			}
			return answer
		}
		withFake(t, server, false, func(d *fake) {
			d.at(10*time.Second - 1)
			require.NoError(d, d.Problem())
			d.at(10*time.Second + time.Second/2)
			require.ErrorIs(d, d.Problem(), errNoAnswer)
			d.at(time.Minute)
			require.LessOrEqual(d, server.Count(zktest.OpConnect), 7)
			require.Equal(d, 1, strings.Count(d.log.text(), "\n"), d.log.text())
			lives.Store(true)
			d.at(time.Minute + 12*time.Second)
			lead, err := d.Leader(d.Context())
			require.NoError(d, err)
			require.Equal(d, "http://127.0.0.1:5050", lead.URL)
			connects := server.Count(zktest.OpConnect)
			d.at(time.Hour)
			require.Equal(d, connects, server.Count(zktest.OpConnect), "nothing is asked, so nothing is waited for")
		})
	}
}

// What is in a master's node cannot be used: one short line says so, and a look each second.
func TestNodesThatLie(t *testing.T) {
	for why, data := range map[string]string{
		"a megabyte of garbage":  strings.Repeat("\x00\xff{", 340_000),
		"much garbage":           strings.Repeat("\x00\xff{", 20_000),
		"a long number":          `{"port":` + strings.Repeat("1", 60_000) + `}`,
		"escapes in a number":    `{"port":"` + strings.Repeat("\x1b[31m\n", 100) + `"}`,
		"depth":                  strings.Repeat("[", 60_000),
		"depth in a known field": `{"address":` + strings.Repeat(`{"a":`, 12_000) + `1`,
		"port 70000":             `{"address":{"ip":"10.0.0.1","port":70000}}`,
		"a negative port":        `{"address":{"ip":"10.0.0.1","port":-1},"port":-1}`,
		"a line end in the host": `{"hostname":"m1\nm2","port":1}`,
		"an escape in the host":  `{"hostname":"m1\u001b[31m","port":1}`,
		"a URL in the host":      `{"hostname":"http://m1/","port":1}`,
		"a user in the host":     `{"hostname":"u:p@m1","port":1}`,
		"a port in the host":     `{"hostname":"m1:5050","port":1}`,
		"an odd zone":            `{"address":{"ip":"fe80::1%\n\u001b[31m","port":1}}`,
		"a long host":            `{"hostname":"` + strings.Repeat("m", 60_000) + `","port":1}`,
		"nothing":                ` `,
	} {
		for _, tls := range []bool{false, true} {
			t.Run(fmt.Sprint(why, tls), func(t *testing.T) {
				server := oneMaster("json.info_0000000001", func() []byte { return []byte(data) })
				withFake(t, server, tls, func(d *fake) {
					d.at(time.Minute)
					require.LessOrEqual(d, server.Count(zktest.OpChildren), 61)
					require.Equal(d, 1, strings.Count(d.log.text(), "\n"))
					require.Less(d, len(d.log.text()), 10_000)
					require.Error(d, d.Problem())
					require.NotContains(d, d.Problem().Error(), "\n")
					require.NotContains(d, d.Problem().Error(), "\x1b")
					require.Zero(d, d.leads.Load())
				})
			})
		}
	}
}

// The same under the label of old masters.
func TestOldNodesThatLie(t *testing.T) {
	for why, data := range map[string][]byte{
		"groups in groups": bytes.Repeat([]byte{0x4b}, 60_000), "a long text": append([]byte("\x0a\xe0\xd4\x03"), bytes.Repeat([]byte("\n"), 60_000)...),
		"a megabyte": bytes.Repeat([]byte{0x4b}, 1_000_000),
	} {
		t.Run(why, func(t *testing.T) {
			server := oneMaster("info_0000000001", func() []byte { return data })
			withFake(t, server, false, func(d *fake) {
				d.at(time.Minute)
				require.Error(d, d.Problem())
				require.Equal(d, 1, strings.Count(d.log.text(), "\n"))
				require.Less(d, len(d.log.text()), 1_000)
			})
		})
	}
}

func TestSequencesThatLie(t *testing.T) {
	zeros := strings.Repeat("0", 1_000_000)
	for _, test := range []struct {
		children []string
		want     string
	}{
		{[]string{"json.info_" + zeros + "1", "info_-" + zeros}, ""},
		{[]string{"json.info_2147483648", "json.info_-2147483649", "json.info_99999999999"}, ""},
		{[]string{"json.info_0000000001", "json.info_-2147483648"}, "json.info_-2147483648"},
		{[]string{"json.info_0000000001", "info_0000000001"}, "json.info_0000000001"}, // equal: any, and always the same
		{[]string{"json.info_0x00000001", "json.info_1e3", "json.info_ 000000001", "json.info_000000001\n", "json.info_00000_0001"}, ""},
	} {
		require.Equal(t, test.want, leaderOf(test.children))
	}
}
