package mesostest

import (
	"fmt"
	"strings"
	"time"
)

// replayedAgent is an agent of the recording and what became of it.
type replayedAgent struct {
	Agent
	away    bool // lost or frozen
	emptied bool // comes back as a new agent
}

// agentNotes returns what was done to agents while a recording was made.
func (r *replayer) agentNotes() []noteAction {
	to := func(act func(hostname string) bool) func(int, *recordedLine, []string) error {
		return func(_ int, l *recordedLine, args []string) error {
			a := r.agents[args[0]]
			if a == nil || !act(a.Hostname) {
				return fmt.Errorf("%s is not there", args[0])
			}
			a.away = true
			a.emptied = strings.Contains(l.Note, "work_dir removed") || strings.Contains(l.Note, "SIGUSR1")
			return nil
		}
	}
	return []noteAction{
		{`^(agent\d+):? (?:killed with|sent) SIG(?:KILL|TERM)\b`, to(r.master.LoseAgent)},
		{`^(agent\d+): sent SIGSTOP$`, to(r.master.FreezeAgent)},
		{`^(agent\d+): sent SIGUSR1$`, to(r.master.RemoveAgent)},
		{`^(agent\d+): sent SIGCONT$`, func(_ int, _ *recordedLine, args []string) error {
			r.master.ReturnAgent(r.agents[args[0]].Hostname)
			return nil
		}},
		{`^(agent\d+) started$`, func(i int, l *recordedLine, args []string) error {
			a := r.agents[args[0]]
			if a == nil {
				return fmt.Errorf("%s is not among the agents", args[0])
			}
			delay := inSeconds(r.rec.registration(i, a.Hostname) - l.T)
			r.readers.Add(1)
			go func() {
				defer r.readers.Done()
				time.Sleep(delay)
				if !a.emptied && (r.master.ReturnAgent(a.Hostname) || a.away) {
					return // if only to be refused because it is gone
				}
				if err := r.master.AddAgent(a.Agent); err != nil {
					panic(err) // the flags were parsed before
				}
			}()
			return nil
		}},
	}
}
