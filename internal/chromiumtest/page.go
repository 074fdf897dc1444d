package chromiumtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// View is how a page is shown.
type View struct {
	Width, Height int // in CSS pixels; 0: 1280 × 800
	Dark          bool
	// Now is what the page takes for the present time, which then stands still. Zero: time is real.
	Now time.Time
}

// Page is a tab of its own, with storage of its own. Its time zone is UTC. A method that fails ends the test.
type Page struct {
	t       testing.TB
	browser *Browser
	session string
	target  string

	mu       sync.Mutex // guards all below
	requests []string
	problems []string
}

// Open opens an empty page for the length of the test.
func (b *Browser) Open(t testing.TB, v View) *Page {
	t.Helper()
	if v.Width == 0 {
		v.Width, v.Height = 1280, 800
	}
	var context struct {
		ID string `json:"browserContextId"`
	}
	require.NoError(t, b.call("", "Target.createBrowserContext", nil, &context))
	p := &Page{t: t, browser: b}
	var target struct {
		ID string `json:"targetId"`
	}
	require.NoError(t, b.call("", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": context.ID}, &target))
	var attached struct {
		Session string `json:"sessionId"`
	}
	require.NoError(t, b.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached))
	p.session, p.target = attached.Session, target.ID
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	t.Cleanup(func() {
		_ = b.call("", "Target.disposeBrowserContext", map[string]any{"browserContextId": context.ID}, nil)
		b.mu.Lock()
		delete(b.pages, p.session)
		b.mu.Unlock()
	})
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.Do(domain+".enable", nil, nil)
	}
	p.Do("Emulation.setTimezoneOverride", map[string]any{"timezoneId": "UTC"}, nil)
	p.Do("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}, nil)
	p.Show(v)
	// A violation is also in the log, but later than the page that caused it may have been left.
	p.Script(`addEventListener("securitypolicyviolation", (e) => console.error("policy violated: " + e.violatedDirective + " " + e.blockedURI))`)
	if !v.Now.IsZero() {
		p.Script(fmt.Sprintf("Date.now = () => %d", v.Now.UnixMilli()))
	}
	return p
}

// Show changes how the page is shown.
func (p *Page) Show(v View) {
	p.t.Helper()
	p.Do("Emulation.setDeviceMetricsOverride", map[string]any{"width": v.Width, "height": v.Height, "deviceScaleFactor": 1, "mobile": false}, nil)
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	p.Do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}}, nil)
}

// Script has a script run in each document before its own.
func (p *Page) Script(source string) {
	p.t.Helper()
	p.Do("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": source}, nil)
}

// Do sends a command of the DevTools protocol and decodes its result, unless into is nil.
func (p *Page) Do(method string, params, into any) {
	p.t.Helper()
	require.NoError(p.t, p.browser.call(p.session, method, params, into))
}

// Go opens a URL, and returns when the document and its scripts are loaded.
func (p *Page) Go(address string) {
	p.t.Helper()
	var result struct {
		Error string `json:"errorText"`
	}
	p.Do("Page.navigate", map[string]any{"url": address}, &result)
	require.Empty(p.t, result.Error, address)
	p.Until(`document.readyState === "complete"`)
}

// Eval evaluates an expression, waits for it if it is a promise, and decodes its value unless into is nil.
func (p *Page) Eval(expression string, into any) {
	p.t.Helper()
	require.NoError(p.t, p.eval(expression, into))
}

func (p *Page) eval(expression string, into any) error {
	var result struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	params := map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}
	if err := p.browser.call(p.session, "Runtime.evaluate", params, &result); err != nil {
		return err
	}
	if result.Exception != nil {
		return fmt.Errorf("%s: %s", expression, result.Exception.Exception.Description)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(result.Result.Value, into)
}

// Until waits until an expression is true.
func (p *Page) Until(expression string) {
	p.t.Helper()
	const within = time.Minute
	var seen bool
	look := fmt.Sprintf(`new Promise((done) => {
		const until = performance.now() + %d;
		(function look() {
			let is;
			try { is = !!(%s) } catch { is = false }
			if (is || performance.now() > until) done(is); else setTimeout(look, 10);
		})();
	})`, within.Milliseconds(), expression)
	err := p.eval(look, &seen)
	for err != nil && strings.Contains(err.Error(), "navigated") { // another document came meanwhile
		err = p.eval(look, &seen)
	}
	require.NoError(p.t, err)
	if !seen {
		var text string
		p.Eval(`document.body.innerText.replace(/\s+/g, " ").slice(0, 2000)`, &text)
		require.Fail(p.t, "never true: "+expression, "the page says:\n%s", text)
	}
}

// Text returns the visible text of the first element of a selector, without empty lines.
func (p *Page) Text(selector string) (text string) {
	p.t.Helper()
	p.Eval(fmt.Sprintf("document.querySelector(%q).innerText.replace(/\\s*\\n\\s*/g, '\\n')", selector), &text)
	return text
}

// Click presses and releases the mouse in the middle of the first element of a selector.
func (p *Page) Click(selector string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	p.Until(fmt.Sprintf("document.querySelector(%q)?.getClientRects().length", selector))
	p.Eval(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q); e.scrollIntoView({block: "nearest"});
		const r = e.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2};
	})()`, selector), &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.Do("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// Press presses keys, one after the other: "Enter", "ArrowDown", "a".
func (p *Page) Press(keys ...string) {
	p.t.Helper()
	codes := map[string]int{
		"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "PageDown": 34, " ": 32,
	}
	for _, key := range keys {
		params := map[string]any{"type": "keyDown", "key": key, "windowsVirtualKeyCode": codes[key]}
		switch {
		case key == "Enter":
			params["text"] = "\r"
		case len(key) == 1:
			params["text"] = key
		}
		p.Do("Input.dispatchKeyEvent", params, nil)
		p.Do("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": codes[key]}, nil)
	}
}

// Type types a text.
func (p *Page) Type(text string) {
	p.t.Helper()
	for _, r := range text {
		p.Press(string(r))
	}
}

// Screenshot returns what the page looks like, as PNG.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	var shot struct {
		Data []byte `json:"data"`
	}
	p.Eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))", nil)
	p.Do("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	return shot.Data
}

// Requests returns the URLs that the page has requested so far.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Problems returns what a page without faults does not have: errors in the console, exceptions, violations of its policy, dialogs
// that a script opens, and requests to a server other than the one at origin. Those that contain one of the texts in expected
// are left out.
func (p *Page) Problems(origin string, expected ...string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Clone(p.problems)
	for _, r := range p.requests {
		if !strings.HasPrefix(r, origin+"/") && !strings.HasPrefix(r, "data:") && r != "about:blank" {
			all = append(all, "request to another server: "+r)
		}
	}
	return slices.DeleteFunc(all, func(problem string) bool {
		return slices.ContainsFunc(expected, func(text string) bool { return strings.Contains(problem, text) })
	})
}

// AwaitProblem waits for a problem with a text in it.
func (p *Page) AwaitProblem(text string) {
	p.t.Helper()
	for until := time.Now().Add(deadline); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		found := slices.ContainsFunc(p.problems, func(problem string) bool { return strings.Contains(problem, text) })
		p.mu.Unlock()
		if found {
			return
		}
	}
	require.Fail(p.t, "no such problem: "+text)
}

// heard takes an event.
func (p *Page) heard(m message) {
	var e struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Args    []struct {
			Value       any    `json:"value"`
			Description string `json:"description"`
		} `json:"args"`
		Entry struct {
			Level, Text, URL string
		} `json:"entry"`
		Request struct {
			URL string `json:"url"`
		} `json:"request"`
		Details struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	_ = json.Unmarshal(m.Params, &e) // of another form: an event that means nothing here
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Method {
	case "Runtime.consoleAPICalled":
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			text := e.Type
			for _, arg := range e.Args {
				text += fmt.Sprintf(" %v%s", arg.Value, arg.Description)
			}
			p.problems = append(p.problems, "console: "+text)
		}
	case "Runtime.exceptionThrown":
		p.problems = append(p.problems, "exception: "+e.Details.Text+" "+e.Details.Exception.Description)
	case "Log.entryAdded":
		if e.Entry.Level == "error" {
			at, _ := url.PathUnescape(e.Entry.URL)
			p.problems = append(p.problems, "log: "+e.Entry.Text+" "+at)
		}
	case "Page.javascriptDialogOpening":
		p.problems = append(p.problems, "dialog: "+e.Message)
		go func() { // not on this goroutine, which has to read the answer
			_ = p.browser.call(p.session, "Page.handleJavaScriptDialog", map[string]any{"accept": false}, nil)
		}()
	case "Network.requestWillBeSent":
		p.requests = append(p.requests, e.Request.URL)
	}
}
