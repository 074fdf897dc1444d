package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// raftLog passes Raft's log on to a slog.Logger: an hclog.Logger. What Raft reports as an error, such as a member that
// it does not reach, is a warning to a cluster. Raft tries several times a second: the slog.Logger sums that up.
type raftLog struct {
	to   *slog.Logger
	name string
	args []any
}

// recent knows the warnings of the last minute.
type recent struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// repeats reports whether a text was there within the last minute, and notes it if not.
func (r *recent) repeats(text string) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.last, func(_ string, at time.Time) bool { return now.Sub(at) >= time.Minute })
	if _, known := r.last[text]; known {
		return true
	}
	if r.last == nil {
		r.last = map[string]time.Time{}
	}
	r.last[text] = now
	return false
}

// level returns slog's level for one of hclog. Raft tells as information what only its authors need.
func level(l hclog.Level) slog.Level {
	switch l {
	case hclog.Error, hclog.Warn:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// Log passes a line on.
func (l *raftLog) Log(at hclog.Level, message string, args ...any) {
	if at == hclog.Off || !l.to.Enabled(context.Background(), level(at)) {
		return
	}
	for i, arg := range args {
		if format, is := arg.(hclog.Format); is && len(format) > 0 {
			args[i] = fmt.Sprintf(fmt.Sprint(format[0]), format[1:]...)
		}
	}
	l.to.Log(context.Background(), level(at), "raft: "+message, args...)
}

func (l *raftLog) Trace(message string, args ...any) { l.Log(hclog.Trace, message, args...) }
func (l *raftLog) Debug(message string, args ...any) { l.Log(hclog.Debug, message, args...) }
func (l *raftLog) Info(message string, args ...any)  { l.Log(hclog.Info, message, args...) }
func (l *raftLog) Warn(message string, args ...any)  { l.Log(hclog.Warn, message, args...) }
func (l *raftLog) Error(message string, args ...any) { l.Log(hclog.Error, message, args...) }

func (l *raftLog) enabled(at hclog.Level) bool {
	return l.to.Enabled(context.Background(), level(at))
}
func (l *raftLog) IsTrace() bool { return l.enabled(hclog.Trace) }
func (l *raftLog) IsDebug() bool { return l.enabled(hclog.Debug) }
func (l *raftLog) IsInfo() bool  { return l.enabled(hclog.Info) }
func (l *raftLog) IsWarn() bool  { return l.enabled(hclog.Warn) }
func (l *raftLog) IsError() bool { return l.enabled(hclog.Error) }

func (l *raftLog) ImpliedArgs() []any { return l.args }
func (l *raftLog) Name() string       { return l.name }

func (l *raftLog) With(args ...any) hclog.Logger {
	return &raftLog{to: l.to.With(args...), name: l.name, args: append(l.args[:len(l.args):len(l.args)], args...)}
}
func (l *raftLog) Named(name string) hclog.Logger {
	return &raftLog{to: l.to, name: name, args: l.args}
}
func (l *raftLog) ResetNamed(name string) hclog.Logger { return l.Named(name) }

// SetLevel does nothing: the slog.Logger decides.
func (l *raftLog) SetLevel(hclog.Level)  {}
func (l *raftLog) GetLevel() hclog.Level { return hclog.NoLevel }

func (l *raftLog) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(nil), "", 0)
}

func (l *raftLog) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return &lineLog{to: l.to, prefix: "raft: "}
}

// lineLog passes on the lines of a log.Logger that have their level in front, as those of memberlist.
type lineLog struct {
	to     *slog.Logger
	prefix string
}

// Write passes one line on.
func (l *lineLog) Write(line []byte) (int, error) {
	at, text := slog.LevelDebug, bytes.TrimSpace(line)
	for mark, is := range map[string]slog.Level{"[ERR] ": slog.LevelWarn, "[WARN] ": slog.LevelWarn, "[INFO] ": slog.LevelDebug, "[DEBUG] ": slog.LevelDebug} {
		if rest, found := bytes.CutPrefix(text, []byte(mark)); found {
			at, text = is, rest
		}
	}
	text = bytes.TrimPrefix(text, []byte("memberlist: "))
	l.to.Log(context.Background(), at, printable.Line(l.prefix+string(text)))
	return len(line), nil
}
