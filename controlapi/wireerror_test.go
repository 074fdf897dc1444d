package controlapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// overTheWire encodes an error and decodes it again.
func overTheWire(t *testing.T, err error) *Error {
	t.Helper()
	e := asError(err)
	body, bad := json.Marshal(errorBody{e})
	require.NoError(t, bad)
	return decodeError(statusOf(e.Code), body)
}

func ended(err error) *scheduler.TaskError {
	exit := 1
	info := task.Info{Spec: task.Spec{ID: "web-1", CPUs: 0.5}, State: task.StateFailed, Version: 7, ExitStatus: &exit, Err: err}
	return &scheduler.TaskError{Task: info, Err: err}
}

// wireErrors has an error of each kind that the framework may return, with what is to be found in it.
func wireErrors() map[string]struct {
	err error
	is  []error // what errors.Is finds
	as  any     // what errors.As finds, a pointer to a struct; nil: nothing to look for
} {
	type c = struct {
		err error
		is  []error
		as  any
	}
	field := &task.FieldError{Field: "Mem", Value: "-1", Reason: "must not be negative"}
	capacity := &scheduler.CapacityError{
		Rejection: task.Rejection{TaskID: "web-1", Others: 2, Reasons: []task.Reason{{Kind: task.ReasonShortage, Resource: "mem", Agents: 3}}},
		Cycles:    4, Waited: 90*time.Second + time.Millisecond,
	}
	removed := &scheduler.FrameworkRemovedError{FrameworkID: "f-1", TornDown: true}
	why := scheduler.Explanation{Task: task.Info{Spec: task.Spec{ID: "web-1"}, State: task.StatePending, Version: 3}, Cycles: 2, Subscribed: true}
	return map[string]c{
		"task.FieldError":                 {field, nil, field},
		"scheduler.ConfigError":           {&scheduler.ConfigError{Field: "Master", Value: "x", Reason: "is no URL"}, nil, &scheduler.ConfigError{Field: "Master", Value: "x", Reason: "is no URL"}},
		"scheduler.ErrUnknownTask":        {fmt.Errorf("%w: %q", scheduler.ErrUnknownTask, "a"), []error{scheduler.ErrUnknownTask}, nil},
		"scheduler.ErrDuplicateTask":      {fmt.Errorf("%w: %q", scheduler.ErrDuplicateTask, "a"), []error{scheduler.ErrDuplicateTask}, nil},
		"scheduler.SpecDiffError":         {&scheduler.SpecDiffError{ID: "a", Fields: []scheduler.FieldDiff{{Field: "CPUs", OnRecord: "1", Wanted: "2"}}}, []error{scheduler.ErrDuplicateTask}, &scheduler.SpecDiffError{ID: "a", Fields: []scheduler.FieldDiff{{Field: "CPUs", OnRecord: "1", Wanted: "2"}}}},
		"scheduler.ForgetError":           {&scheduler.ForgetError{ID: "a", State: task.StateRunning}, nil, &scheduler.ForgetError{ID: "a", State: task.StateRunning}},
		"scheduler.TaskError":             {ended(nil), nil, ended(nil)},
		"TaskError with a CapacityError":  {ended(capacity), nil, capacity},
		"scheduler.CapacityError":         {capacity, nil, capacity},
		"scheduler.CallError":             {&scheduler.CallError{Master: "http://m", Call: "REQUEST", Status: 403, Message: "no"}, nil, &scheduler.CallError{Master: "http://m", Call: "REQUEST", Status: 403, Message: "no"}},
		"scheduler.SubscribeError":        {&scheduler.SubscribeError{Master: "http://m", Status: 401, Message: "no"}, nil, &scheduler.SubscribeError{Master: "http://m", Status: 401, Message: "no"}},
		"scheduler.FrameworkIDError":      {&scheduler.FrameworkIDError{Master: "http://m", FrameworkID: "a", Subscribed: "b"}, nil, &scheduler.FrameworkIDError{Master: "http://m", FrameworkID: "a", Subscribed: "b"}},
		"scheduler.ErrNotSubscribed":      {scheduler.ErrNotSubscribed, []error{scheduler.ErrNotSubscribed}, nil},
		"scheduler.ErrNotRunning":         {scheduler.ErrNotRunning, []error{scheduler.ErrNotRunning}, nil},
		"ErrNotRunning with its reason":   {fmt.Errorf("%w: %w", scheduler.ErrNotRunning, removed), []error{scheduler.ErrNotRunning}, removed},
		"scheduler.ErrRunning":            {scheduler.ErrRunning, []error{scheduler.ErrRunning}, nil},
		"scheduler.ErrReentrant":          {scheduler.ErrReentrant, []error{scheduler.ErrReentrant}, nil},
		"scheduler.FencedError":           {&scheduler.FencedError{Err: context.Canceled}, []error{context.Canceled}, &scheduler.FencedError{Err: context.Canceled}},
		"scheduler.ErrEvicted":            {scheduler.ErrEvicted, []error{scheduler.ErrEvicted}, nil},
		"scheduler.FrameworkRemovedError": {removed, nil, removed},
		"scheduler.FingerprintError":      {&scheduler.FingerprintError{Field: "name", Stored: "a", Config: "b"}, nil, &scheduler.FingerprintError{Field: "name", Stored: "a", Config: "b"}},
		"scheduler.PanicError":            {&scheduler.PanicError{Who: "the builder", Value: "oh", Stack: "secret"}, nil, &scheduler.PanicError{Who: "the builder", Value: "oh"}},
		"scheduler.WaitError":             {&scheduler.WaitError{Err: context.DeadlineExceeded, Explanation: why}, []error{context.DeadlineExceeded}, &scheduler.WaitError{Err: context.DeadlineExceeded, Explanation: why}},
		"WaitError of a cancellation":     {&scheduler.WaitError{Err: fmt.Errorf("%w: %w", context.Canceled, errors.New("bored")), Explanation: why}, []error{context.Canceled}, &scheduler.WaitError{Err: context.Canceled, Explanation: why}},
		"scheduler.LogError":              {&scheduler.LogError{ID: "a", AgentID: "S1", Code: scheduler.CodeOutputGone, Reason: "it was removed"}, nil, &scheduler.LogError{ID: "a", AgentID: "S1", Code: scheduler.CodeOutputGone, Reason: "it was removed"}},
		"context.Canceled":                {context.Canceled, []error{context.Canceled}, nil},
		"context.DeadlineExceeded":        {context.DeadlineExceeded, []error{context.DeadlineExceeded}, nil},
		"other":                           {errors.New("other"), nil, nil},
	}
}

// An error that has gone over the wire has the same code, text and fields.
func TestErrorsOverTheWire(t *testing.T) {
	for name, c := range wireErrors() {
		t.Run(name, func(t *testing.T) {
			got := overTheWire(t, c.err)
			require.Equal(t, scheduler.ErrorCode(c.err), got.Code)
			require.Equal(t, scheduler.ErrorCode(c.err), scheduler.ErrorCode(got))
			require.Equal(t, c.err.Error(), got.Error())
			for _, target := range c.is {
				require.ErrorIs(t, got, target)
			}
			if c.as != nil {
				requireAs(t, got, c.as)
			}
			again := overTheWire(t, fmt.Errorf("at a follower: %w", got))
			require.Equal(t, got, again, "told by a follower")
		})
	}
}

// Every error that packages scheduler and task export is in the table, or has a test of its own.
func TestAllErrorsGoOverTheWire(t *testing.T) {
	table := wireErrors()
	found := 0
	for _, folder := range []string{"scheduler", "task"} {
		paths, err := filepath.Glob("../" + folder + "/*.go")
		require.NoError(t, err)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			require.NoError(t, err)
			for _, name := range exportedErrors(file) {
				if name != "RecordError" {
					require.Contains(t, table, folder+"."+name)
					found++
				}
			}
		}
	}
	require.Greater(t, found, 20)
}

// exportedErrors returns the names of the variables and types of a file that are errors.
func exportedErrors(file *ast.File) (names []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		name := ""
		switch n := n.(type) {
		case *ast.ValueSpec:
			if strings.HasPrefix(n.Names[0].Name, "Err") {
				name = n.Names[0].Name
			}
		case *ast.FuncDecl:
			if n.Name.Name == "Error" && n.Recv != nil {
				name = fmt.Sprint(n.Recv.List[0].Type.(*ast.StarExpr).X)
			}
		}
		if ast.IsExported(name) {
			names = append(names, name)
		}
		return true
	})
	return names
}

// requireAs requires that errors.As finds an error that equals want.
func requireAs(t *testing.T, err error, want any) {
	t.Helper()
	switch want := want.(type) {
	case *task.FieldError:
		require.Equal(t, want, as[*task.FieldError](err))
	case *scheduler.ConfigError:
		require.Equal(t, want, as[*scheduler.ConfigError](err))
	case *scheduler.SpecDiffError:
		require.Equal(t, want, as[*scheduler.SpecDiffError](err))
	case *scheduler.ForgetError:
		require.Equal(t, want, as[*scheduler.ForgetError](err))
	case *scheduler.TaskError:
		require.Equal(t, want, as[*scheduler.TaskError](err))
	case *scheduler.CapacityError:
		require.Equal(t, want, as[*scheduler.CapacityError](err))
	case *scheduler.CallError:
		require.Equal(t, want, as[*scheduler.CallError](err))
	case *scheduler.SubscribeError:
		require.Equal(t, want, as[*scheduler.SubscribeError](err))
	case *scheduler.FrameworkIDError:
		require.Equal(t, want, as[*scheduler.FrameworkIDError](err))
	case *scheduler.FencedError:
		require.Equal(t, want, as[*scheduler.FencedError](err))
	case *scheduler.FrameworkRemovedError:
		require.Equal(t, want, as[*scheduler.FrameworkRemovedError](err))
	case *scheduler.FingerprintError:
		require.Equal(t, want, as[*scheduler.FingerprintError](err))
	case *scheduler.PanicError:
		require.Equal(t, want, as[*scheduler.PanicError](err))
	case *scheduler.LogError:
		require.Equal(t, want, as[*scheduler.LogError](err))
	case *scheduler.WaitError:
		require.Equal(t, want, as[*scheduler.WaitError](err))
	default:
		require.Fail(t, "no case for it", "%T", want)
	}
}

// A record that cannot be decoded has a cause, of which the text is left.
func TestRecordErrorOverTheWire(t *testing.T) {
	got := overTheWire(t, &scheduler.RecordError{Key: "task/a", Err: errors.New("no JSON")})
	of := as[*scheduler.RecordError](got)
	require.NotNil(t, of)
	require.Equal(t, "task/a", of.Key)
	require.EqualError(t, of.Err, "no JSON")
	require.Equal(t, scheduler.CodeRecord, scheduler.ErrorCode(got))
}

// All violations of a spec arrive.
func TestInvalidSpecOverTheWire(t *testing.T) {
	err := task.Spec{ID: "a/b", CPUs: -1, Mem: -2}.Validate()
	got := overTheWire(t, err)
	require.Equal(t, strings.ReplaceAll(err.Error(), "\n", "; "), got.Error(), "one line")
	want := fieldErrors(err)
	require.Greater(t, len(want), 2)
	all := fieldErrors(got)
	require.Len(t, all, len(want))
	for i := range all {
		require.Equal(t, want[i].Error(), (&task.FieldError{Field: want[i].Field, Value: want[i].Value, Reason: all[i].Reason}).Error())
		require.Equal(t, fmt.Sprint(want[i].Value), all[i].Value)
	}
	require.Equal(t, want[0].Field, got.Field)
}

// Values of secrets are not in the task and the explanation of an error.
func TestSecretsInErrors(t *testing.T) {
	spec := task.Spec{ID: "a", Command: task.Command{Secrets: map[string]task.Secret{"KEY": {Value: []byte("hush")}}}}
	info := task.Info{Spec: spec, State: task.StateFailed}
	for _, err := range []error{
		&scheduler.TaskError{Task: info}, &scheduler.WaitError{Err: context.Canceled, Explanation: scheduler.Explanation{Task: info}},
	} {
		body, bad := json.Marshal(asError(err))
		require.NoError(t, bad)
		require.NotContains(t, string(body), "aHVzaA", "in base64")
		require.Equal(t, "hush", string(spec.Command.Secrets["KEY"].Value), "the original is as it was")
	}
}

// The HTTP status for each code is that in its comment, in package scheduler and here.
func TestStatusOfCodes(t *testing.T) {
	found := 0
	for _, path := range []string{"../scheduler/errorcode.go", "errors.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			v, is := n.(*ast.ValueSpec)
			if !is || !strings.HasPrefix(v.Names[0].Name, "Code") {
				return true
			}
			code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			status, _, _ := strings.Cut(v.Comment.Text(), ":")
			require.Equal(t, status, strconv.Itoa(statusOf(scheduler.Code(code))), v.Names[0].Name)
			found++
			return true
		})
	}
	require.Greater(t, found, 25)
}

// What is no error of the API is one that says so, and shows the beginning of the answer.
func TestAnswersThatAreNoErrors(t *testing.T) {
	for _, body := range []string{"", "<html>\x1b[1mbad gateway", "null", "[]", `{"error":null}`, `{"error":{}}`, `{"error":{"message":"x"}}`, strings.Repeat("x", 1<<20)} {
		e := decodeError(502, []byte(body))
		require.Equal(t, scheduler.CodeInternal, e.Code)
		require.Equal(t, 502, e.Status)
		require.Contains(t, e.Error(), "status 502")
		require.Less(t, len(e.Error()), 500)
		require.NotContains(t, e.Error(), "\x1b")
	}
	// Parts that are missing make no typed error, or one without them; none panics.
	for _, part := range []string{"TaskError", "CapacityError", "WaitError", "FencedError", "RecordError", "FrameworkRemovedError", "SubscribeError", "ConfigError", "?"} {
		for _, code := range []scheduler.Code{"task_ended", "no_capacity", "timeout", "not_leading", "refused", "new_one"} {
			e := decodeError(500, fmt.Appendf(nil, `{"error":{"code":%q,"type":%q,"message":"m"}}`, code, part))
			require.Equal(t, "m", e.Error())
			require.Equal(t, code, e.Code)
			_ = scheduler.ErrorCode(e)
		}
	}
	deep := strings.Repeat(`{"code":"not_running","cause":`, 5000) + "null" + strings.Repeat("}", 5000)
	require.ErrorIs(t, decodeError(503, []byte(`{"error":`+deep+`}`)), scheduler.ErrNotRunning)
}
