// Package chromiumtest drives a headless Chromium, as Debian packages it, for tests of pages. It promises that the browser is ready
// when Start returns, asks no server but those on loopback, and is gone when the test has ended. A test that cannot have one is
// skipped, unless it was asked for; Start says when. It speaks the DevTools protocol over a pipe: no port is open.
//
// The browser is a process. One goroutine reads what it says.
package chromiumtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deadline is far beyond what anything here takes on a busy machine: a test that reaches it hangs.
const deadline = 2 * time.Minute

// Browser is a running browser.
type Browser struct {
	process *exec.Cmd
	to      io.Writer
	ended   chan struct{}

	mu      sync.Mutex // guards all below
	last    int        // number of the last command
	answers map[int]chan message
	pages   map[string]*Page // by session
}

// message is what the browser says: the answer to a command, or an event.
type message struct {
	ID      int             `json:"id"`
	Session string          `json:"sessionId"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Start starts a browser for the length of the test. Without Chromium the test is skipped, and so it is by go test -short.
// With the environment variable CHROMIUM or CI set, to whatever value, it fails in place of that when there is none.
func Start(t testing.TB) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: starts Chromium")
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		program, err = exec.LookPath("google-chrome")
	}
	if err != nil && os.Getenv("CHROMIUM") == "" && os.Getenv("CI") == "" {
		t.Skip("skipped: no Chromium: apt-get install --no-install-recommends chromium (CHROMIUM=1 makes this a failure)")
	}
	require.NoError(t, err, "apt-get install --no-install-recommends chromium")

	b := &Browser{ended: make(chan struct{}), answers: map[int]chan message{}, pages: map[string]*Page{}}
	theirs, to, err := os.Pipe()
	require.NoError(t, err)
	from, theirsToo, err := os.Pipe()
	require.NoError(t, err)
	b.to = to
	b.process = exec.Command(program, "--headless=new", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(),
		"--no-sandbox", // root, as in a container, cannot have one
		"--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-sync",
		"--disable-background-networking", "--disable-component-update", "--disable-default-apps",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--force-color-profile=srgb", "--font-render-hinting=none",
		"--hide-scrollbars", "about:blank")
	b.process.ExtraFiles = []*os.File{theirs, theirsToo} // 3 and 4, as the protocol has it
	require.NoError(t, b.process.Start())
	require.NoError(t, errors.Join(theirs.Close(), theirsToo.Close()))
	go b.read(from)
	t.Cleanup(func() {
		_ = to.Close() // it ends by itself then
		select {
		case <-b.ended:
		case <-time.After(deadline):
			_ = b.process.Process.Kill()
			<-b.ended
		}
		_ = b.process.Wait()
		_ = from.Close()
	})
	require.NoError(t, b.call("", "Browser.getVersion", nil, nil))
	return b
}

// read takes what the browser says until it ends.
func (b *Browser) read(from io.Reader) {
	defer close(b.ended)
	r := bufio.NewReader(from)
	for {
		data, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(data[:len(data)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		answer, page := b.answers[m.ID], b.pages[m.Session]
		delete(b.answers, m.ID)
		b.mu.Unlock()
		switch {
		case answer != nil:
			answer <- m
		case page != nil:
			page.heard(m)
		}
	}
}

// call sends a command and decodes its result, unless into is nil.
func (b *Browser) call(session, method string, params, into any) error {
	answer := make(chan message, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.answers[id] = answer
	data, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Session string `json:"sessionId,omitempty"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
	}{id, session, method, params})
	if err == nil {
		_, err = b.to.Write(append(data, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case m := <-answer:
		switch {
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case into == nil:
			return nil
		}
		return json.Unmarshal(m.Result, into)
	case <-b.ended:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-timer.C:
		return fmt.Errorf("%s: no answer within %v", method, deadline)
	}
}
