package scheduler_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// nilError is an error as many programs return by mistake: a nil pointer that is not a nil error, whose text panics.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// Unwrap, Is, Timeout and Fenced panic as well.
func (e *nilError) Unwrap() error { return errors.New(e.text) }

func (e *nilError) Is(error) bool { return e.text == "" }

func (e *nilError) Fenced() bool { return e.text == "" }

func noError() error { var e *nilError; return e }

type panickingMatcher struct{ taskmatcher.FirstFit }

func (panickingMatcher) Match(task.Cycle) ([]task.Placement, []task.Rejection) { panic("Match") }

type panickingUsable struct{ taskmatcher.FirstFit }

func (panickingUsable) Usable(*mesos.Resource) bool { panic("Usable") }

type panickingBuilder struct{ taskbuilder.Standard }

func (panickingBuilder) Build(task.BuildInput) (mesos.TaskInfo, error) { panic("Build") }
func (panickingBuilder) BuildPod(task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	panic("BuildPod")
}

type refusingBuilder struct{ taskbuilder.Standard }

func (refusingBuilder) Build(task.BuildInput) (mesos.TaskInfo, error) {
	return mesos.TaskInfo{}, noError()
}

type panickingHandler struct{ slog.Handler }

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic("Handle") }
func (panickingHandler) WithAttrs([]slog.Attr) slog.Handler        { panic("WithAttrs") }
func (panickingHandler) WithGroup(string) slog.Handler             { panic("WithGroup") }

type panickingLevel struct{ panickingHandler }

func (panickingLevel) Enabled(context.Context, slog.Level) bool { panic("Enabled") }

// panickingConn is a connection that panics in one of its methods.
type panickingConn struct {
	net.Conn
	read bool
}

func (c panickingConn) Read(b []byte) (int, error) {
	if c.read {
		panic("Read")
	}
	return c.Conn.Read(b)
}

func (panickingConn) Write([]byte) (int, error) { panic("Write") }
func (panickingConn) Close() error              { panic("Close") }

// misbehaving has, for each part of Config and Term that is user code, ways in which that fails.
func misbehaving() map[string][]func(*scheduler.Config, *scheduler.Term) {
	type set = []func(*scheduler.Config, *scheduler.Term)
	dialing := func(dial func(context.Context, string, string) (net.Conn, error)) func(*scheduler.Config, *scheduler.Term) {
		return func(c *scheduler.Config, _ *scheduler.Term) { c.DialContext = dial }
	}
	piped := func(read bool) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go far.Close()
			return panickingConn{near, read}, nil
		}
	}
	storing := func(apply func(context.Context) error) func(*scheduler.Config, *scheduler.Term) {
		return func(c *scheduler.Config, _ *scheduler.Term) { c.Store = &applying{apply: apply} }
	}
	return map[string]set{
		"Config.Matcher": {
			func(c *scheduler.Config, _ *scheduler.Term) { c.Matcher = panickingMatcher{} },
			func(c *scheduler.Config, _ *scheduler.Term) { c.Matcher = panickingUsable{} },
		},
		"Config.Builder": {
			func(c *scheduler.Config, _ *scheduler.Term) { c.Builder = panickingBuilder{} },
			func(c *scheduler.Config, _ *scheduler.Term) { c.Builder = refusingBuilder{} },
		},
		"Config.Store": {storing(func(context.Context) error { panic("Apply") }), storing(func(context.Context) error { return noError() })},
		"Config.Offers.AcceptInverse": {func(c *scheduler.Config, _ *scheduler.Term) {
			c.Offers.AcceptInverse = func(scheduler.InverseOffer) bool { panic("AcceptInverse") }
		}},
		"Config.Token": {
			func(c *scheduler.Config, _ *scheduler.Term) {
				c.Token = func(context.Context) (string, error) { panic("Token") }
			},
			func(c *scheduler.Config, _ *scheduler.Term) {
				c.Token = func(context.Context) (string, error) { return "", noError() }
			},
		},
		"Config.DialContext": {
			dialing(func(context.Context, string, string) (net.Conn, error) { panic("DialContext") }),
			dialing(func(context.Context, string, string) (net.Conn, error) { return nil, noError() }),
			dialing(func(context.Context, string, string) (net.Conn, error) { return nil, nil }),
			dialing(piped(true)), dialing(piped(false)),
		},
		"Config.TLS": {func(c *scheduler.Config, _ *scheduler.Term) { // see also internal/mesoshttp
			c.Master = "https://" + address
			c.TLS = &tls.Config{Time: func() time.Time { panic("Time") }}
		}},
		"Config.Logger": {
			func(c *scheduler.Config, _ *scheduler.Term) { c.Logger = slog.New(panickingHandler{}) },
			func(c *scheduler.Config, _ *scheduler.Term) { c.Logger = slog.New(panickingLevel{}) },
		},
		"Term.Store": {func(_ *scheduler.Config, t *scheduler.Term) {
			t.Store = &applying{apply: func(context.Context) error { panic("Apply") }}
		}},
		"Term.Confirm": {
			func(_ *scheduler.Config, t *scheduler.Term) {
				t.Confirm = func(context.Context) error { panic("Confirm") }
			},
			func(_ *scheduler.Config, t *scheduler.Term) {
				t.Confirm = func(context.Context) error { return noError() }
			},
		},
	}
}

// Whatever user code does, the scheduler answers, and ends when it is asked to.
func TestUserCodeThatPanics(t *testing.T) {
	for name, ways := range misbehaving() {
		for i, way := range ways {
			t.Run(name+string(rune('a'+i)), func(t *testing.T) {
				config, term := scheduler.Config{}, scheduler.Term{Number: 1}
				way(&config, &term)
				withIdleScheduler(t, []string{address}, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
					h.lead(ctx, term)
					short, cancel := context.WithTimeout(ctx, 30*time.Second)
					defer cancel()
					_ = h.sched.Submit(short, sleeper("a")) // which may fail
					h.at(time.Minute)
					_, err := h.sched.Tasks(ctx)
					require.NoError(h, err)
					for _, e := range h.events {
						require.Empty(h, unprintable(e.String()))
					}
					h.stop()
					require.ErrorIs(h, h.end(), context.Canceled)
				})
			})
		}
	}
}

// TestUserCodeControl: whatever is user code in Config and Term is in the table.
func TestUserCodeControl(t *testing.T) {
	table := misbehaving()
	for _, path := range append(userCode(reflect.TypeFor[scheduler.Config](), "Config"), userCode(reflect.TypeFor[scheduler.Term](), "Term")...) {
		require.NotEmpty(t, table[path], path)
		delete(table, path)
	}
	require.Empty(t, table)
}

// userCode returns the fields of a struct that are functions, interfaces, or of packages that have such fields.
func userCode(of reflect.Type, path string) (paths []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		at := path + "." + f.Name
		switch {
		case f.Type == reflect.TypeFor[*slog.Logger](), f.Type == reflect.TypeFor[*tls.Config](), f.Type.Kind() == reflect.Func, f.Type.Kind() == reflect.Interface:
			paths = append(paths, at)
		case f.Type.Kind() == reflect.Struct && strings.HasPrefix(f.Type.PkgPath(), "github.com/mesos-actor"):
			paths = append(paths, userCode(f.Type, at)...)
		}
	}
	return paths
}

// A dialer that ignores its context does not keep Run from ending.
func TestDialerThatBlocks(t *testing.T) {
	withIdleScheduler(t, []string{address}, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.dialing = func(context.Context, string) error { time.Sleep(time.Hour); return errors.New("late") }
		h.lead(ctx, scheduler.Term{})
		h.at(time.Minute)
		ending := time.Now()
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.LessOrEqual(h, time.Since(ending), 2*time.Second)
		time.Sleep(2 * time.Hour)
	})
}
