package taskmatcher_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// valueOf returns an agent's value of an attribute as text, behind its type.
func valueOf(a task.Agent, name string) (string, bool) {
	switch name {
	case "hostname", "@hostname":
		return "text " + a.Hostname, a.Hostname != ""
	case "@region":
		return "text " + a.Region, a.Region != ""
	case "@zone":
		return "text " + a.Zone, a.Zone != ""
	}
	for _, each := range a.Attributes {
		if each.Name != name {
			continue
		}
		switch {
		case each.Type == mesos.TEXT && each.Text != nil:
			return "text " + each.Text.Value, true
		case each.Type == mesos.SCALAR && each.Scalar != nil:
			return "scalar " + fmt.Sprint(math.Round(each.Scalar.Value*1000)/1000+0), true // no -0
		case each.Type == mesos.RANGES && each.Ranges != nil:
			var parts []string
			for _, r := range each.Ranges.Range {
				parts = append(parts, fmt.Sprintf("%d-%d", r.Begin, r.End))
			}
			return "ranges [" + strings.Join(parts, ", ") + "]", true
		case each.Type == mesos.SET && each.Set != nil:
			return "set {" + strings.Join(each.Set.Item, ", ") + "}", true
		}
		break
	}
	return "", false
}

// count returns the number of tasks of a group by value of an attribute.
func (w *reference) count(group, attribute string) map[string]int {
	key := group + "\x00" + attribute
	if known := w.values[key]; known != nil {
		return known
	}
	all := map[string]int{}
	for _, c := range w.candidates {
		if v, ok := valueOf(c.agent, attribute); ok {
			all[v] += 0
		}
	}
	for _, p := range w.cycle.Running {
		if v, ok := valueOf(p.Agent, attribute); ok && p.Group == group && p.Tasks > 0 {
			all[v] += p.Tasks
		}
	}
	for _, p := range w.log {
		if v, ok := valueOf(p.Agent, attribute); ok && p.Group == group {
			all[v]++
		}
	}
	w.values[key] = all
	return all
}

// tasksOn returns the number of tasks of a group on an agent.
func (w *reference) tasksOn(group, agent string) int {
	if w.tasks[group] == nil {
		w.tasks[group] = map[string]int{}
		for _, p := range w.cycle.Running {
			if p.Group == group && p.Agent.ID != "" {
				w.tasks[group][p.Agent.ID] += max(p.Tasks, 0)
			}
		}
	}
	return w.tasks[group][agent]
}

// holds reports whether a constraint now holds for a candidate.
func (w *reference) holds(constraint task.Constraint, group string, c *remaining) bool {
	v, found := c.attributes[constraint.Attribute]
	if !found {
		if text, ok := valueOf(c.agent, constraint.Attribute); ok {
			v = text
		}
		c.attributes[constraint.Attribute] = v
	}
	if v == "" {
		return false
	}
	kind, text, _ := strings.Cut(v, " ")
	number, err := strconv.Atoi(constraint.Value)
	if err != nil && constraint.Value != "" || number < 0 || number > math.MaxInt32 {
		number = -1
	}
	switch constraint.Operator {
	case task.OpLike, task.OpUnlike:
		if constraint.Validate() != nil {
			return false
		}
		return regexp.MustCompile(`\A(?:`+constraint.Value+`)\z`).MatchString(text) == (constraint.Operator == task.OpLike)
	case task.OpUnique:
		return w.count(group, constraint.Attribute)[v] == 0
	case task.OpMaxPer:
		return w.count(group, constraint.Attribute)[v] < number
	case task.OpIsNot:
		constraint.Operator = task.OpIs
		return constraint.Value != "" && !w.holds(constraint, group, c)
	case task.OpCluster:
		if constraint.Value == "" {
			for other, n := range w.count(group, constraint.Attribute) {
				if other != v && n > 0 {
					return false
				}
			}
			return true
		}
		fallthrough
	case task.OpIs:
		if constraint.Value == "" {
			return false
		}
		if kind == "scalar" {
			x, err := strconv.ParseFloat(constraint.Value, 64)
			return err == nil && fmt.Sprint(math.Round(x*1000)/1000) == text
		}
		return constraint.Value == text
	case task.OpGroupBy:
		return number >= 0 && (w.distinct(group, constraint.Attribute) >= number || w.count(group, constraint.Attribute)[v] == 0)
	}
	return false
}

// distinct returns how many values of an attribute there are on agents that are offered, known, or run tasks of a group.
func (w *reference) distinct(group, attribute string) int {
	values := map[string]bool{}
	note := func(a task.Agent) {
		if v, ok := valueOf(a, attribute); ok {
			values[v] = true
		}
	}
	for _, c := range append(w.candidates, w.known...) {
		note(c.agent)
	}
	for _, p := range w.cycle.Running {
		if p.Group == group && p.Tasks > 0 {
			note(p.Agent)
		}
	}
	return len(values)
}

// spreads reports whether the GROUP_BY constraints of a task allow a candidate: among all candidates on which the task
// could run, and the known agents that it may wait for, none has a value with fewer tasks. The first constraint decides,
// unless there are equally many tasks; then the second one does, and so on.
func (w *reference) spreads(how strategy, s *task.Spec, c *remaining) bool {
	var attributes []string
	for _, each := range s.Constraints {
		if each.Operator == task.OpGroupBy {
			attributes = append(attributes, each.Attribute)
		}
	}
	if len(attributes) == 0 {
		return true
	}
	counts := func(c *remaining) (all []int) {
		for _, attribute := range attributes {
			v, _ := valueOf(c.agent, attribute)
			all = append(all, w.count(s.Group, attribute)[v])
		}
		return all
	}
	mine := counts(c)
	better := func(other *remaining) bool {
		return slices.Compare(counts(other), mine) < 0 && w.couldRun(how, s, other)
	}
	return !slices.ContainsFunc(w.candidates, better) &&
		!slices.ContainsFunc(w.known, func(other *remaining) bool { return other.expected && better(other) })
}

// isLeast reports whether no candidate on which a task could run has a value with fewer tasks of its group.
func (w *reference) isLeast(how strategy, s *task.Spec, attribute string, c *remaining) bool {
	counts := w.count(s.Group, attribute)
	mine, _ := valueOf(c.agent, attribute)
	return !slices.ContainsFunc(w.candidates, func(other *remaining) bool {
		v, found := valueOf(other.agent, attribute)
		return found && counts[v] < counts[mine] && w.couldRun(how, s, other)
	})
}
