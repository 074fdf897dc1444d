package agenthttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/agenthttp"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

const agent = "agent1.example:5051"

// serve runs an agent until the end of the test, in a bubble, and returns the network that has it.
func serve(t *testing.T, handler http.HandlerFunc) *virtualnet.Network {
	network := &virtualnet.Network{}
	l, err := network.Listen(agent)
	require.NoError(t, err)
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return network
}

// serveRaw runs an agent that does what talk does after a request.
func serveRaw(t *testing.T, talk func(net.Conn)) *virtualnet.Network {
	network := &virtualnet.Network{}
	l, err := network.Listen(agent)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				talk(conn)
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return network
}

// newClient returns a client that is used until the end of the test.
func newClient(t *testing.T, network *virtualnet.Network, config mesoshttp.Config) *agenthttp.Client {
	if config.DialContext == nil {
		config.DialContext = network.DialContext
	}
	client, err := agenthttp.New(config)
	require.NoError(t, err)
	client.Use()
	t.Cleanup(client.Release)
	return client
}

// fileRead is an answer to READ_FILE.
func fileRead(size int64, data []byte) string {
	return fmt.Sprintf(`{"type":"READ_FILE","read_file":{"size":%d,"data":%q}}`, size, base64.StdEncoding.EncodeToString(data))
}

func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		const path = "/frameworks/f/executors/a b%20ü\"\\\x01/runs/latest/stdout"
		network := serve(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "POST /api/v1", r.Method+" "+r.RequestURI)
			require.Equal(t, "application/json", r.Header.Get("Content-Type"))
			require.Equal(t, "application/json", r.Header.Get("Accept"))
			require.NotContains(t, r.Header, "Authorization")
			require.NotContains(t, r.Header, "Idempotency-Key")
			var call struct {
				Type string
				File struct {
					Path           string
					Offset, Length int
				} `json:"read_file"`
			}
			require.NoError(t, json.NewDecoder(r.Body).Decode(&call))
			require.Equal(t, "READ_FILE", call.Type)
			require.Equal(t, path, call.File.Path)
			_, _ = io.WriteString(w, fileRead(256, all[call.File.Offset:min(call.File.Offset+call.File.Length, 256)]))
		})
		client := newClient(t, network, mesoshttp.Config{})
		for _, r := range []agenthttp.Read{{Offset: 0, Length: agenthttp.MaxRead}, {Offset: 5, Length: 3}, {Offset: 255, Length: 9}, {Offset: 256, Length: 9}, {}} {
			r.Agent, r.Path = agent, path
			piece, err := client.Read(t.Context(), r)
			require.NoError(t, err)
			require.EqualValues(t, 256, piece.Size)
			require.Equal(t, string(all[r.Offset:min(int(r.Offset)+r.Length, 256)]), string(piece.Data))
		}
	})
}

// What an agent answers instead of a part of the file, and what that is taken for.
func TestAnswersOfNoUse(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	body := func(text string) string { return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", ok, len(text), text) }
	for what, test := range map[string]struct{ answer, want string }{
		"no such file":                {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "no such file"},
		"recovering":                  {"HTTP/1.1 503 \r\nContent-Length: 35\r\n\r\nAgent has not finished recovery.   ", "away: it answers 503 Agent has not finished recovery."},
		"forbidden":                   {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "refused: 403 Forbidden"},
		"a folder":                    {"HTTP/1.1 400 \r\nContent-Length: 25\r\n\r\nCannot read a directory.\n", "refused: 400 Bad Request: Cannot read a directory."},
		"an old agent":                {"HTTP/1.1 501 \r\nContent-Length: 20\r\n\r\n501 Not Implemented.", "refused: 501 Not Implemented: 501 Not Implemented."},
		"a redirect":                  {"HTTP/1.1 307 \r\nLocation: http://other:80/\r\nContent-Length: 0\r\n\r\n", `refused: 307 Temporary Redirect: redirects are not followed, to "http://other:80/"`},
		"not an agent":                {body("<html>"), "refused: an answer of no use: the answer is not JSON as it should be: invalid character '<' looking for beginning of value"},
		"nothing":                     {body(""), "refused: an answer of no use: the answer is not JSON as it should be: unexpected end of JSON input"},
		"another answer":              {body(`{"type":"LIST_FILES","list_files":{}}`), "refused: an answer of no use: the answer is none to READ_FILE"},
		"no size":                     {body(`{"type":"READ_FILE","read_file":{"data":""}}`), "refused: an answer of no use: the answer is none to READ_FILE"},
		"a negative size":             {body(fileRead(-1, nil)), "refused: an answer of no use: the size of the file is -1"},
		"a size that overflows":       {body(strings.Replace(fileRead(0, nil), "0", "9223372036854775808", 1)), "refused: an answer of no use: the size of the file is 9223372036854775808"},
		"more than an exabyte":        {body(fileRead(1<<60+1, nil)), "refused: an answer of no use: the size of the file is 1152921504606846977"},
		"half a byte":                 {body(strings.Replace(fileRead(0, nil), "0", "0.5", 1)), "refused: an answer of no use: the size of the file is 0.5"},
		"more than was asked for":     {body(fileRead(100, make([]byte, 11))), "refused: an answer of no use: 10 bytes were asked for, and 11 were sent"},
		"data beyond the end":         {body(fileRead(20, []byte("x"))), "refused: an answer of no use: there is data beyond the end of the file, at 20 of 20"},
		"base64 garbage":              {body(`{"type":"READ_FILE","read_file":{"size":100,"data":"%%%"}}`), "refused: an answer of no use: the answer is not JSON as it should be: illegal base64 data at input byte 0"},
		"data that is a number":       {body(`{"type":"READ_FILE","read_file":{"size":100,"data":7}}`), "refused: an answer of no use: the answer is not JSON as it should be: json: cannot unmarshal number into Go struct field .read_file.data of type []uint8"},
		"100 KB that are nested":      {body(strings.Repeat(`{"a":[`, 14_000)), "refused: an answer of no use: the answer is not JSON as it should be: invalid character '{' exceeded max depth"},
		"a long answer":               {body(strings.Repeat(" ", 100_000)), "refused: an answer of no use: the answer is too long"},
		"a broken connection":         {ok + "Content-Length: 50\r\n\r\n{", "away: unexpected EOF"},
		"a closed connection":         {"", "away: EOF"},
		"what is not HTTP":            {"SSH-2.0-OpenSSH\r\n\r\n", `away: net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH"`},
		"a compressed answer":         {ok + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", "refused: an answer of no use: the answer is not JSON as it should be: invalid character '\\x1f' looking for beginning of value"},
		"a switch of the protocol":    {"HTTP/1.1 101 \r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "refused: 101 Switching Protocols"},
		"a refusal of which is known": {"HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\n", "refused: 401 Unauthorized"},
	} {
		synctest.Test(t, func(t *testing.T) {
			network := serveRaw(t, func(conn net.Conn) { _, _ = io.WriteString(conn, test.answer) })
			piece, err := newClient(t, network, mesoshttp.Config{}).Read(t.Context(), agenthttp.Read{Agent: agent, Path: "/x", Offset: 20, Length: 10})
			require.Zero(t, piece)
			require.Equal(t, test.want, kind(err)+err.Error(), what)
		})
	}
}

// kind returns of which of the documented types an error is.
func kind(err error) string {
	var (
		away    *agenthttp.AwayError
		refused *agenthttp.RefusedError
	)
	switch {
	case errors.As(err, &away):
		return "away: "
	case errors.As(err, &refused):
		return "refused: "
	}
	return ""
}

// Of what an agent sends without end little is read, and the call ends with its limit at the latest.
func TestAgentsWithoutEnd(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	long := strings.Repeat("x", 1000)
	for what, answer := range map[string]struct {
		before, text string
		took         time.Duration
	}{
		"a body":                     {ok + "\r\n", long, 0},
		"a body of 10 GB":            {ok + "Content-Length: 10000000000\r\n\r\n", long, 0},
		"chunks of one byte":         {ok + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 0},
		"spaces in front of JSON":    {ok + "\r\n", " ", 0},
		"a trailer":                  {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "X: " + long + "\r\n", 0},
		"a head of 30 MB":            {ok, "X: " + long + "\r\n", 0},
		"a status line":              {"HTTP/1.1 200 ", long, 0},
		"102":                        {"", "HTTP/1.1 102 Processing\r\n\r\n", 0},
		"a refusal":                  {"HTTP/1.1 500 \r\n\r\n", long, 0},
		"a body, one byte a second":  {ok + "\r\n", "", 10 * time.Second},
		"a head, one byte a second":  {ok + "X: ", "", 10 * time.Second},
		"a refusal, slow":            {"HTTP/1.1 500 \r\n\r\n", "", 10 * time.Second},
		"nothing, from a connection": {"", "", 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			var sent atomic.Int64
			network := serveRaw(t, func(conn net.Conn) {
				n, err := io.WriteString(conn, answer.before)
				for err == nil && sent.Load() < 30<<20 {
					sent.Add(int64(n))
					text := answer.text
					if text == "" {
						time.Sleep(time.Second)
						text = "\r"
					}
					n, err = io.WriteString(conn, text)
				}
			})
			read := &counted{dial: network.DialContext}
			client := newClient(t, network, mesoshttp.Config{DialContext: read.DialContext})
			began := time.Now()
			_, err := client.Read(t.Context(), agenthttp.Read{Agent: agent, Path: "/x", Length: agenthttp.MaxRead})
			require.NotEmpty(t, kind(err), "%s: %v", what, err)
			require.Equal(t, answer.took, time.Since(began), what)
			require.Less(t, read.bytes.Load(), int64(1<<20), what) // a chunk of one byte takes six
		})
	}
}

// counted counts what is read of connections.
type counted struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	bytes atomic.Int64
}

func (c *counted) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	return countedConn{conn, c}, err
}

type countedConn struct {
	net.Conn
	by *counted
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.by.bytes.Add(int64(n))
	return n, err
}

// Nobody is asked at what is no address of an agent.
func TestNoAddress(t *testing.T) {
	client := newClient(t, nil, mesoshttp.Config{DialContext: func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, io.EOF
	}})
	for _, address := range []string{
		"", "agent", ":5051", "http://agent:5051", "https://", "https://agent", "agent:5051/x", "agent:5051?x", "agent:5051#x",
		"me@agent:5051", "https://me:secret@agent:5051", "agent:port", "a b:5051", "agent:5051\r\nX: y", "[::1:5051", "file:///etc/passwd",
	} {
		_, err := client.Read(t.Context(), agenthttp.Read{Agent: address, Path: "/x", Length: 1})
		require.Equal(t, "away: ", kind(err), address)
		require.ErrorContains(t, err, "is not the address of an agent", address)
	}
}

// Credentials go to trusted hosts only, and what repeats them shows none.
func TestCredentials(t *testing.T) {
	hosts, err := mesoshttp.ParseHosts([]string{"agent1.example"})
	require.NoError(t, err)
	others, err := mesoshttp.ParseHosts([]string{"master.example"})
	require.NoError(t, err)
	for _, test := range []struct {
		hosts *mesoshttp.Hosts
		want  string
	}{
		{hosts, "refused: 401 Unauthorized: you said Basic ***; true"},
		{others, "refused: 401 Unauthorized: you said; false"},
		{mesoshttp.HostsOf([]string{"https://agent1.example"}, true), "refused: 401 Unauthorized: you said Basic ***; true"},
		{mesoshttp.HostsOf(nil, true), "refused: 401 Unauthorized: you said; false"}, // certified hosts are those of https
	} {
		synctest.Test(t, func(t *testing.T) {
			network := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, "you said "+r.Header.Get("Authorization"))
			})
			client := newClient(t, network, mesoshttp.Config{Credential: &mesoshttp.Credential{Principal: "me", Secret: "s3cret"}, Hosts: test.hosts})
			_, err := client.Read(t.Context(), agenthttp.Read{Agent: agent, Path: "/x", Length: 1})
			var refused *agenthttp.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, test.want, fmt.Sprint(kind(err), err, "; ", refused.Authorized))
		})
	}
}

// Agents with TLS are asked over https, and get the credentials if their certificates are verified.
func TestReadOverTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil) // for its certificate, of example.com
	certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	for _, test := range []struct {
		tls  *tls.Config
		want string
	}{
		{&tls.Config{RootCAs: roots}, "away: tls: failed to verify certificate: x509: certificate is valid for example.com, *.example.com, not agent1.example"},
		{&tls.Config{}, "away: tls: failed to verify certificate: x509"},
		{&tls.Config{RootCAs: roots, ServerName: "example.com"}, "refused: 403 Forbidden: Basic ***"},
	} {
		synctest.Test(t, func(t *testing.T) {
			network := &virtualnet.Network{}
			l, err := network.Listen(agent)
			require.NoError(t, err)
			server := &http.Server{
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, r.Header.Get("Authorization"))
				}),
				ErrorLog: log.New(io.Discard, "", 0),
			}
			go func() { _ = server.Serve(tls.NewListener(l, &tls.Config{Certificates: certified.TLS.Certificates})) }()
			defer server.Close()
			client := newClient(t, network, mesoshttp.Config{
				TLS: test.tls, Hosts: mesoshttp.HostsOf(nil, true), Credential: &mesoshttp.Credential{Principal: "me", Secret: "s3cret"},
			})
			_, err = client.Read(t.Context(), agenthttp.Read{Agent: "https://" + agent, Path: "/x", Length: 1})
			require.ErrorContains(t, errors.New(kind(err)+err.Error()), test.want)
		})
	}
}

func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		fileRead(100, []byte("text")), fileRead(0, nil), `{"type":"READ_FILE","read_file":{"size":"7","data":"YQ=="}}`,
		`{"type":"READ_FILE","read_file":{"size":1e3,"data":"Y Q=="}}`, `{"type":"READ_FILE","read_file":null}`, `[]`, `{"TYPE":"READ_FILE"}`, "{}{}",
	} {
		f.Add([]byte(text), int64(0), 10)
	}
	f.Fuzz(func(t *testing.T, body []byte, offset int64, length int) {
		offset, length = max(offset, 0), max(0, min(length, agenthttp.MaxRead))
		piece, err := agenthttp.Decode(body, agenthttp.Read{Offset: offset, Length: length})
		if err != nil {
			require.Zero(t, piece)
			return
		}
		require.LessOrEqual(t, len(piece.Data), length)
		require.GreaterOrEqual(t, piece.Size, int64(0))
		require.LessOrEqual(t, piece.Size, int64(1<<60))
		if len(piece.Data) > 0 {
			require.Greater(t, piece.Size, offset)
		}
		again, err := agenthttp.Decode([]byte(fileRead(piece.Size, piece.Data)), agenthttp.Read{Offset: offset, Length: length})
		require.NoError(t, err)
		require.Equal(t, piece.Size, again.Size)
		require.Equal(t, string(piece.Data), string(again.Data))
	})
}
