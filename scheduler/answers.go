package scheduler

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// maxFaults is how many faults of a matcher are told in one cycle, and how many tasks are named in one of them.
const maxFaults = 10

// answers keeps which tasks of a cycle have got an answer from the matcher, and what was wrong with its answers.
type answers struct {
	tasks  []task.Demand
	open   map[*task.Spec]int // tasks of each class without an answer
	faults []error
	more   int // faults that are not kept
}

func newAnswers(tasks []task.Demand) *answers {
	a := &answers{tasks: tasks, open: make(map[*task.Spec]int)}
	run := 0
	for i := range tasks { // tasks of a class often follow each other
		run++
		if i+1 == len(tasks) || tasks[i+1].Spec != tasks[i].Spec {
			a.open[tasks[i].Spec] += run
			run = 0
		}
	}
	return a
}

// answered notes an answer for n tasks of a class.
func (a *answers) answered(class *task.Spec, n int) { a.open[class] -= n }

// fault notes a fault.
func (a *answers) fault(err error) {
	if len(a.faults) < maxFaults {
		a.faults = append(a.faults, err)
	} else {
		a.more++
	}
}

// missing notes as a fault that tasks have no answer, and names them. Those for which it returns true have one.
func (a *answers) missing(answered func(id string) bool, others map[*task.Spec]int) {
	var names []string
	n := 0
	for _, d := range a.tasks {
		if a.open[d.Spec] <= 0 || answered(d.ID) {
			continue
		}
		if others[d.Spec] > 0 { // a rejection covers it without its name
			others[d.Spec]--
			continue
		}
		if n++; len(names) < maxFaults {
			names = append(names, fmt.Sprintf("%q", d.ID))
		}
	}
	if n == 0 {
		return
	}
	text := strings.Join(names, ", ")
	if n > len(names) {
		text += fmt.Sprintf(" and %d more", n-len(names))
	}
	a.fault(fmt.Errorf("scheduler: the matcher neither placed nor rejected task %s", text))
}

// err returns all faults, nil if there were none.
func (a *answers) err() error {
	if a.more > 0 {
		return errors.Join(append(a.faults, fmt.Errorf("scheduler: %d more faults of the matcher", a.more))...)
	}
	return errors.Join(a.faults...)
}
