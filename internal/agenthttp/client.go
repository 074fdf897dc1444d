package agenthttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

const (
	// MaxRead is the most that one call reads, and that agents send of a file at once: 16 pages of 4 KiB.
	MaxRead = 64 << 10
	// maxAnswer bounds an answer: MaxRead in base64, which takes four bytes for three, and 1 KiB for what is around it.
	maxAnswer = MaxRead/3*4 + 4 + 1<<10
	// answerLimit is how long an agent has to answer, dialling included. One that works answers within milliseconds; 64 KiB in 10 s
	// is less than the slowest link carries.
	answerLimit = 10 * time.Second
	// maxReads is how many calls to one agent are under way at once, so that those who read files do not disturb what else it does.
	maxReads = 2
	// maxConnecting is the MaxConnecting of all agents together.
	maxConnecting = 256
	// maxSize is more than any file has, and small enough to add to.
	maxSize = 1 << 60
)

// Client reads files of agents. Its methods may be called from any goroutine.
type Client struct {
	http  *mesoshttp.Client
	turns turns
	users atomic.Int64
}

// New returns a Client. The config's MaxConns, MaxConnecting and Codec are not used.
func New(config mesoshttp.Config) (*Client, error) {
	config.MaxConns, config.MaxConnecting, config.Codec = maxReads, maxConnecting, mesoshttp.JSON
	client, err := mesoshttp.New(config)
	if err != nil {
		return nil, err
	}
	return &Client{http: client, turns: newTurns(maxReads)}, nil
}

// Use keeps connections open between calls, until Release. Without it they are closed when they are idle for a minute, when
// another user calls Release, or by Close.
func (c *Client) Use() { c.users.Add(1) }

// Release is called once for each Use. The last one closes all connections.
func (c *Client) Release() {
	if c.users.Add(-1) == 0 {
		c.http.Close()
	}
}

// Close closes the connections that no call is using. The Client stays usable.
func (c *Client) Close() { c.http.Close() }

// Read is what to read of a file.
type Read struct {
	Agent  string // where the agent serves HTTP: "host:port", or "https://host:port"
	Path   string // as the agent names the file, not escaped
	Offset int64  // not negative
	Length int    // at most; from 0 to MaxRead
}

// Piece is a part of a file.
type Piece struct {
	Size int64  // of the file
	Data []byte // from Read.Offset on; the caller's own. Empty at the end of the file, and beyond it
}

// Read reads a part of a file. While two other calls to the agent are under way it waits for its turn.
func (c *Client) Read(ctx context.Context, r Read) (Piece, error) {
	body, err := c.ask(ctx, r.Agent, readFile(r))
	if err != nil {
		return Piece{}, err
	}
	piece, err := decode(body, r)
	if err != nil {
		return Piece{}, &RefusedError{Status: http.StatusOK, Text: err.Error()}
	}
	return piece, nil
}

// WorkDir returns the folder below which the agent has its sandboxes, its flag --work_dir. It waits for its turn like Read.
func (c *Client) WorkDir(ctx context.Context, agent string) (string, error) {
	body, err := c.ask(ctx, agent, []byte(`{"type":"GET_FLAGS"}`))
	if err != nil {
		return "", err
	}
	dir, err := decodeWorkDir(body)
	if err != nil {
		return "", &RefusedError{Status: http.StatusOK, Text: err.Error()}
	}
	return dir, nil
}

// ask sends a call to an agent, and returns the body of a good answer.
func (c *Client) ask(ctx context.Context, agent string, call []byte) ([]byte, error) {
	base, err := baseURL(agent)
	if err != nil {
		return nil, &AwayError{Err: err}
	}
	if err := c.turns.take(ctx, base); err != nil {
		return nil, err
	}
	defer c.turns.give(base)
	limited, cancel := context.WithTimeoutCause(ctx, answerLimit, errNoAnswer)
	defer cancel()
	answer, err := c.http.Ask(limited, base, call, maxAnswer)
	switch {
	case err == nil:
		return bodyOf(answer)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, mesoshttp.ErrAnswerTooLong):
		return nil, &RefusedError{Status: http.StatusOK, Text: err.Error()}
	}
	return nil, &AwayError{Err: err}
}

// baseURL returns the base URL of an agent.
func baseURL(agent string) (string, error) {
	base := agent
	if !strings.HasPrefix(agent, "https://") {
		base = "http://" + agent
	}
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || u.Port() == "" || u.User != nil || u.Scheme+"://"+u.Host != base {
		return "", fmt.Errorf("%q is not the address of an agent", agent)
	}
	return base, nil
}

// readFile returns the call. In JSON the path needs no other escaping.
func readFile(r Read) []byte {
	type file struct {
		Path   string `json:"path"`
		Offset int64  `json:"offset"`
		Length int    `json:"length"`
	}
	call, _ := json.Marshal(struct { // of strings and numbers
		Type     string `json:"type"`
		ReadFile file   `json:"read_file"`
	}{"READ_FILE", file{r.Path, r.Offset, r.Length}})
	return call
}

// bodyOf returns the body of a good answer.
func bodyOf(answer *mesoshttp.Answer) ([]byte, error) {
	switch status := answer.Status; {
	case status == http.StatusOK:
		return answer.Body, nil
	case status == http.StatusNotFound:
		return nil, ErrNoFile
	case status == http.StatusServiceUnavailable: // it has not recovered yet
		return nil, &AwayError{Err: errors.New(strings.TrimSpace("it answers 503 " + string(answer.Body)))}
	default:
		text := strings.TrimSpace(string(answer.Body))
		if answer.Location != "" {
			text = fmt.Sprintf("redirects are not followed, to %q", answer.Location)
		}
		return nil, &RefusedError{Status: status, Text: text, Authorized: answer.Authorized}
	}
}

// decode returns the piece in an answer to READ_FILE.
func decode(body []byte, r Read) (Piece, error) {
	var answer struct {
		Type     string `json:"type"`
		ReadFile *struct {
			Size *json.Number `json:"size"`
			Data []byte       `json:"data"`
		} `json:"read_file"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Piece{}, fmt.Errorf("the answer is not JSON as it should be: %w", err)
	}
	if answer.Type != "READ_FILE" || answer.ReadFile == nil || answer.ReadFile.Size == nil {
		return Piece{}, errors.New("the answer is none to READ_FILE")
	}
	size, err := answer.ReadFile.Size.Int64()
	data := answer.ReadFile.Data
	switch {
	case err != nil || size < 0 || size > maxSize:
		return Piece{}, fmt.Errorf("the size of the file is %s", *answer.ReadFile.Size)
	case len(data) > r.Length:
		return Piece{}, fmt.Errorf("%d bytes were asked for, and %d were sent", r.Length, len(data))
	case len(data) > 0 && size <= r.Offset: // the agent takes the size before it reads
		return Piece{}, fmt.Errorf("there is data beyond the end of the file, at %d of %d", r.Offset, size)
	}
	return Piece{Size: size, Data: data}, nil
}

// decodeWorkDir returns the work directory in an answer to GET_FLAGS.
func decodeWorkDir(body []byte) (string, error) {
	var answer struct {
		GetFlags struct {
			Flags []struct{ Name, Value string } `json:"flags"`
		} `json:"get_flags"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("the answer is not JSON as it should be: %w", err)
	}
	for _, flag := range answer.GetFlags.Flags {
		if flag.Name == "work_dir" && flag.Value != "" {
			return flag.Value, nil
		}
	}
	return "", errors.New("the answer to GET_FLAGS does not have work_dir")
}
