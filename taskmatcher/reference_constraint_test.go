package taskmatcher_test

import (
	"fmt"
	"maps"
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
		counts := w.count(group, constraint.Attribute)
		if number < 0 {
			return false
		}
		if len(counts) < number {
			return counts[v] == 0
		}
		return counts[v] == slices.Min(slices.Collect(maps.Values(counts)))
	}
	return false
}
