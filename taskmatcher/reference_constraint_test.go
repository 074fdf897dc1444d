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

// valueOf gives an agent's value of an attribute as text, with the type in front.
func valueOf(a task.Agent, name string) (string, bool) {
	switch name {
	case "hostname":
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

// count gives the tasks of a group by value of an attribute.
func (w *reference) count(group, attribute string) map[string]int {
	key := group + "\x00" + attribute
	if known := w.values[key]; known != nil {
		return known
	}
	all := map[string]int{}
	for _, l := range w.rooms {
		if v, ok := valueOf(l.agent, attribute); ok {
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

func (w *reference) holds(c task.Constraint, group string, l *left) bool {
	v, found := l.attributes[c.Attribute]
	if !found {
		if text, ok := valueOf(l.agent, c.Attribute); ok {
			v = text
		}
		l.attributes[c.Attribute] = v
	}
	if v == "" {
		return false
	}
	kind, text, _ := strings.Cut(v, " ")
	number, err := strconv.Atoi(c.Value)
	if err != nil && c.Value != "" || number < 0 || number > math.MaxInt32 {
		number = -1
	}
	switch c.Operator {
	case task.Like, task.Unlike:
		if _, err := regexp.Compile(c.Value); err != nil {
			return false
		}
		return regexp.MustCompile(`\A(?:`+c.Value+`)\z`).MatchString(text) == (c.Operator == task.Like)
	case task.Unique:
		return w.count(group, c.Attribute)[v] == 0
	case task.MaxPer:
		return w.count(group, c.Attribute)[v] < number
	case task.Cluster:
		if c.Value == "" {
			for other, n := range w.count(group, c.Attribute) {
				if other != v && n > 0 {
					return false
				}
			}
			return true
		}
		fallthrough
	case task.Is:
		if kind == "scalar" {
			x, err := strconv.ParseFloat(c.Value, 64)
			return err == nil && fmt.Sprint(math.Round(x*1000)/1000) == text
		}
		return c.Value == text
	case task.GroupBy:
		counts := w.count(group, c.Attribute)
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
