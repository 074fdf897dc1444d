package scheduler_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/ha/zookeeper"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// told are all exported types with a text that may contain what others have sent: events, errors and what is said of tasks.
func told() []any {
	return []any{
		&scheduler.TaskEvent{}, &scheduler.RemovedEvent{}, &scheduler.ConnectionEvent{}, &scheduler.OfferEvent{}, &scheduler.InverseOfferEvent{},
		&scheduler.FailureEvent{}, &scheduler.UnknownTaskEvent{}, &scheduler.NeverOfferedEvent{}, &scheduler.StoreEvent{}, &scheduler.LagEvent{},
		&scheduler.Explanation{}, &scheduler.Finding{}, &scheduler.FieldDiff{}, &task.Info{}, &task.Transition{}, &task.Rejection{}, &task.Reason{},

		&scheduler.ConfigError{}, &scheduler.FencedError{}, &scheduler.TaskError{}, &scheduler.ForgetError{}, &scheduler.CapacityError{},
		&scheduler.SubscribeError{}, &scheduler.FingerprintError{}, &scheduler.FrameworkRemovedError{}, &scheduler.CallError{},
		&scheduler.FrameworkIDError{}, &scheduler.PanicError{}, &scheduler.RecordError{}, &scheduler.WaitError{}, &scheduler.SpecDiffError{},
		&scheduler.LogError{},
		&task.FieldError{}, &ha.RecordError{}, &ha.StopError{}, &ha.ForeignSchedulerError{},
		&zookeeper.ConfigError{}, &zookeeper.FencedError{}, &zookeeper.RecordError{}, &cluster.ConfigError{}, &cluster.FencedError{},
	}
}

// hostile are texts that terminals and readers of logs take for more than text.
func hostile() []string {
	return []string{
		"a\nb", "a\r\nlevel=ERROR msg=forged", "\x1b[2J\x1b]0;title\x07", "\u009b31m", "\x9b31m", "\u202egnp.exe", "\u2066\u2069",
		"\u200b\u200d\ufeff", "\x00\x7f\u0085", "\u2028\u2029", "\xff\xfe\xc3", "\xed\xa0\x80", "\U000e0041", "\t\v\f\b",
		strings.Repeat("x", 64<<10), strings.Repeat("\n", 64<<10),
	}
}

// fill sets all that is text in a value to a text, and some of its numbers.
func fill(v reflect.Value, text string, depth int) {
	switch {
	case depth > 6 || !v.CanSet():
	case v.Type() == reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(errors.New(text)))
	case v.Type() == reflect.TypeFor[any]():
		v.Set(reflect.ValueOf(text))
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, depth+1)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), text, depth+1)
		fill(v.Index(1), text, depth+1)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, depth+1)
		}
	}
}

// texts returns what a value says of itself.
func texts(v any) []string {
	var all []string
	if s, is := v.(fmt.Stringer); is {
		all = append(all, s.String())
	}
	if e, is := v.(error); is {
		all = append(all, e.Error())
	}
	return all
}

// unprintable returns what is wrong with a line, "" if nothing.
func unprintable(line string) string {
	const longest = 5 << 10
	at := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) })
	switch {
	case len(line) > longest:
		return fmt.Sprintf("%d bytes", len(line))
	case !utf8.ValidString(line):
		return "not UTF-8"
	case at >= 0:
		return fmt.Sprintf("%q", line[at:min(len(line), at+10)])
	}
	return ""
}

// Whatever text a master, an agent, a disk or a member sends, an event and an error are one printable line of some KiB.
func TestHostileTexts(t *testing.T) {
	for _, text := range hostile() {
		for _, v := range told() {
			fill(reflect.ValueOf(v).Elem(), text, 0)
			for _, state := range []task.State{task.StatePending, task.StateFailed} { // a pending task has a longer explanation
				if f := reflect.ValueOf(v).Elem().FieldByName("Task"); f.IsValid() {
					f.FieldByName("State").Set(reflect.ValueOf(state))
				}
				require.NotEmpty(t, texts(v), "%T", v)
				for _, line := range texts(v) {
					require.Empty(t, unprintable(line), "%T with %.20q", v, text)
				}
			}
		}
	}
	reason := task.Reason{Agents: 1, Resource: "\x1b", Hostname: "\n", Awaited: "\u202e", Short: 1}
	for _, reason.Kind = range []task.ReasonKind{task.ReasonConstraint, task.ReasonShortage, task.ReasonRole, "\n"} {
		require.Empty(t, unprintable(reason.String()))
	}
}

func FuzzTexts(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text[:min(len(text), 100)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range told() {
			fill(reflect.ValueOf(v).Elem(), text, 0)
			for _, line := range texts(v) {
				require.Empty(t, unprintable(line), "%T", v)
			}
		}
	})
}

// TestHostileTextsControl: the table has all types, and a line that is not printable is found.
func TestHostileTextsControl(t *testing.T) {
	known := map[string]bool{}
	for _, v := range told() {
		known[strings.TrimPrefix(fmt.Sprintf("%T", v), "*")] = true
	}
	for folder, pkg := range map[string]string{".": "scheduler", "../task": "task", "../ha": "ha", "../ha/zookeeper": "zookeeper", "../ha/cluster": "cluster"} {
		for _, name := range sayers(t, folder) {
			require.True(t, known[pkg+"."+name], "%s.%s is missing in the table", pkg, name)
		}
	}
	for _, line := range []string{"\n", "a\x1b", "\xff", "\u202e", strings.Repeat("x", 6000)} {
		require.NotEmpty(t, unprintable(line))
	}
}

// sayers returns the exported types of a package that are errors or events.
func sayers(t *testing.T, folder string) (names []string) {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), folder+"/"+e.Name(), nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, is := d.(*ast.FuncDecl)
			if !is || f.Recv == nil || f.Name.Name != "Error" && f.Name.Name != "isEvent" {
				continue
			}
			of := f.Recv.List[0].Type
			if p, is := of.(*ast.StarExpr); is {
				of = p.X
			}
			if id, is := of.(*ast.Ident); is && id.IsExported() {
				names = append(names, id.Name)
			}
		}
	}
	return names
}
