package actionruntime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

const marks = actionruntime.Sentinel + "\n"

// buffer is a strings.Builder for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// take returns what was written since the last call.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

// process is a runtime that serves on a virtual network, in a bubble.
type process struct {
	t              *testing.T
	stdout, stderr buffer
	client         *http.Client
	kill           context.CancelFunc
	exited         chan int
}

func start(t *testing.T, config actionruntime.Config) *process {
	p := &process{t: t, exited: make(chan int, 1)}
	config.Stdout, config.Stderr = &p.stdout, &p.stderr
	var network virtualnet.Network
	listener, err := network.Listen("10.0.0.1:8080")
	require.NoError(t, err)
	transport := &http.Transport{DialContext: network.DialContext}
	p.client = &http.Client{Transport: transport}
	ctx, kill := context.WithCancel(t.Context())
	p.kill = kill
	go func() { p.exited <- actionruntime.New(config).Serve(ctx, listener) }()
	t.Cleanup(func() {
		kill()
		transport.CloseIdleConnections()
		synctest.Wait()
	})
	return p
}

// post returns the status and the body, "0 " when the connection broke.
func (p *process) post(path, body string) string {
	response, err := p.client.Post("http://10.0.0.1:8080"+path, "application/json", strings.NewReader(body))
	if err != nil {
		return "0 "
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return fmt.Sprint(response.StatusCode, " ", string(answer))
}

func (p *process) init(code string) string {
	quoted, err := json.Marshal(code)
	require.NoError(p.t, err)
	return p.post("/init", `{"value":{"name":"hello","main":"main","binary":false,"code":`+string(quoted)+`,"env":{"__OW_NAMESPACE":"guest","SECRET":"1","LIMIT":5}}}`)
}

func (p *process) run(params string) string {
	return p.post("/run", `{"value":`+params+`,"namespace":"guest","action_name":"/guest/hello","activation_id":"a1","deadline":"1"}`)
}

func TestTheProtocolIsThatOfTheRuntimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, actionruntime.Config{})
		require.Equal(t, `404 {"error":"There is nothing here."}`, p.post("/other", "{}"))
		require.Contains(t, p.post("/init", "{"), "400 ")
		require.Equal(t, `500 {"error":"The action is not initialised."}`, p.run("{}"))
		require.Equal(t, `403 {"error":"There is no code."}`, p.init(""))
		require.Empty(t, p.stdout.take())
		require.Equal(t, `502 {"error":"The code cannot be used: line 1, \"fly\": there is no such step."}`, p.init("fly"))
		require.Equal(t, marks, p.stdout.take(), "after an /init that failed")
		require.Equal(t, marks, p.stderr.take())
		require.Equal(t, `200 {"ok":true}`, p.init("echo"))
		require.Empty(t, p.stdout.take(), "after a good /init")
		require.Equal(t, `403 {"error":"The action is initialised already."}`, p.init("echo"))
		for range 3 {
			require.Equal(t, `200 {"a":[1]}`, p.run(`{"a":[1]}`))
			require.Equal(t, marks, p.stdout.take())
			require.Equal(t, marks, p.stderr.take())
		}
	})
}

func TestStepsOfAScript(t *testing.T) {
	for code, want := range map[string]struct{ answer, stdout, stderr string }{
		"# nothing\n\n":                 {"200 {}", marks, marks},
		"hello":                         {`200 {"greeting":"Hello, World!"}`, "Hello, World!\n" + marks, marks},
		"count":                         {`200 {"runs":1}`, marks, marks},
		`return [1,2]`:                  {`200 [1,2]`, marks, marks},
		`return 5`:                      {`502 {"error":"The action returned neither an object nor an array."}`, marks, marks},
		`error no luck`:                 {`200 {"error":"no luck"}`, marks, marks},
		`big 20`:                        {`200 {"big":"xxxxxxxxxx"}`, marks, marks},
		`status 503 busy`:               {`503 busy`, marks, marks},
		`body <html>`:                   {`200 <html>`, marks, marks},
		"out a  b\nerr c":               {"200 {}", "a  b\n" + marks, "c\n" + marks},
		`raw stdout "\xff no newline"`:  {"200 {}", "\xff no newline" + marks, marks},
		"lines 2 30":                    {"200 {}", "/guest/hello a1 1 ...........\n/guest/hello a1 2 ...........\n" + marks, marks},
		"sentinel\nout after":           {"200 {}", marks + "after\n" + marks, marks + marks},
		"no-sentinel":                   {"200 {}", "", ""},
		"no-sentinel stderr":            {"200 {}", marks, ""},
		"sleep 1h\nout late":            {"200 {}", "late\n" + marks, marks},
		"die":                           {`400 {"error":"The process of the action has ended."}`, marks, marks},
		"reset":                         {"0 ", marks, marks},
		"do":                            {`200 {"error":"done"}`, marks, marks},
		"init out at init\nout at run":  {"200 {}", "at init\nat run\n" + marks, marks},
		"return {\"a\":1}\nerror later": {`200 {"error":"later"}`, marks, marks},
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := start(t, actionruntime.Config{})
				require.Equal(t, `200 {"ok":true}`, p.init(code))
				require.Equal(t, want.answer, p.run(`{"name":"World","do":"error done"}`))
				require.Equal(t, want.stdout, p.stdout.take())
				require.Equal(t, want.stderr, p.stderr.take())
			})
		})
	}
}

func TestStepsThatAreWrong(t *testing.T) {
	for _, code := range []string{
		"fly", "sleep long", "exit now", "raw stdout x", `raw stdlog "x"`, "lines", "lines x", "status 99", "status x", "big x", "late-sentinel 5", "http nonsense",
		"echo\ninit", "init fly",
	} {
		synctest.Test(t, func(t *testing.T) {
			require.Contains(t, start(t, actionruntime.Config{}).init(code), "502 ", code)
		})
	}
}

func TestTheEnvironmentIsThatOfInitAndOfTheActivation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, actionruntime.Config{})
		require.Equal(t, `200 {"ok":true}`, p.init("env"))
		require.Equal(t, `200 {"LIMIT":"5","SECRET":"1","__OW_ACTION_NAME":"/guest/hello","__OW_ACTION_VERSION":"","__OW_ACTIVATION_ID":"a1",`+
			`"__OW_DEADLINE":"1","__OW_NAMESPACE":"guest","__OW_TRANSACTION_ID":""}`, p.run("{}"))
	})
}

func TestAnInitThatFailsCanBeRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, actionruntime.Config{})
		require.Equal(t, `502 {"error":"no module"}`, p.init("init error no module"))
		require.Equal(t, `500 {"error":"The action is not initialised."}`, p.run("{}"))
		require.Equal(t, `200 {"ok":true}`, p.init("echo"))
	})
}

func TestTheActionsProcessIsGoneAfterItDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, actionruntime.Config{})
		p.init("die")
		p.run("{}")
		require.Equal(t, `500 {"error":"The process of the action has ended."}`, p.run("{}"))
	})
}

func TestLateSentinels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, actionruntime.Config{})
		p.init("out now\nlate-sentinel 50ms")
		require.Equal(t, "200 {}", p.run("{}"))
		require.Equal(t, "now\n", p.stdout.take())
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, marks, p.stdout.take())
		require.Equal(t, marks, p.stderr.take())
	})
}

func TestActivationsDoNotOverlap(t *testing.T) {
	for concurrent, want := range map[bool]string{
		false: `500 {"error":"The action is not ready: it runs already."}`,
		true:  "200 {}",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, actionruntime.Config{Concurrent: concurrent})
			p.init("sleep 1s")
			var first sync.WaitGroup
			first.Go(func() { p.run("{}") })
			time.Sleep(time.Millisecond)
			require.Equal(t, want, p.run("{}"))
			first.Wait()
			require.Equal(t, "200 {}", p.run("{}"), "later")
		})
	}
}

func TestTheProcessEnds(t *testing.T) {
	for code, want := range map[string]int{"exit 3": 3, "exit 137": 137, "init exit 4": 4} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, actionruntime.Config{})
			p.init(code)
			require.Equal(t, "0 ", p.run("{}"))
			require.Equal(t, want, <-p.exited)
			require.Empty(t, p.stdout.take(), "no sentinel")
			_, err := p.client.Get("http://10.0.0.1:8080/")
			require.ErrorContains(t, err, "connection refused")
		})
	}
}

func TestAProcessThatIsKilledStopsWhateverItDoes(t *testing.T) {
	for _, code := range []string{"hang", "sleep 1h", "late-sentinel 1h", "http drip", "http endless-body", "http endless-head", "forever"} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, actionruntime.Config{Functions: map[string]actionruntime.Function{
				"forever": func(ctx context.Context, _ *actionruntime.Call) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
			}})
			require.Equal(t, `200 {"ok":true}`, p.init(code))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://10.0.0.1:8080/run", strings.NewReader("{}"))
			require.NoError(t, err)
			if response, err := p.client.Do(request); err == nil {
				_ = response.Body.Close()
			}
			p.kill()
			require.Equal(t, 137, <-p.exited)
		})
	}
}

func TestFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var seen []string
		p := start(t, actionruntime.Config{
			Functions: map[string]actionruntime.Function{
				"sum": func(_ context.Context, c *actionruntime.Call) (any, error) {
					var numbers []int
					if err := json.Unmarshal(c.Params, &numbers); err != nil {
						return nil, err
					}
					fmt.Fprintln(c.Stderr, "adds", len(numbers), "for", c.Env["__OW_NAMESPACE"])
					total := 0
					for _, n := range numbers {
						total += n
					}
					return map[string]int{"total": total}, nil
				},
			},
			Seen: func(r actionruntime.Request) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, r.Path+" "+r.Namespace+" "+r.Action+" "+r.ActivationID+" "+string(r.Params))
			},
		})
		p.init("sum")
		require.Equal(t, `200 {"total":6}`, p.run("[1,2,3]"))
		require.Equal(t, "adds 3 for guest\n"+marks, p.stderr.take())
		require.Contains(t, p.run(`{}`), `200 {"error":`)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"/init guest   ", "/run guest /guest/hello a1 [1,2,3]", "/run guest /guest/hello a1 {}"}, seen)
	})
}

func TestTheProgramListensAtThePortThatItIsGiven(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	t.Setenv("PORT", "1")
	t.Setenv("PORT0", fmt.Sprint(taken.Addr().(*net.TCPAddr).Port))
	require.Equal(t, 1, actionruntime.Main(), "somebody else listens there")
}
