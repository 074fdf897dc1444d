package taskmatcher

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// value is what an agent has for an attribute. Values that are the same have one number within a cycle.
type value struct {
	typ  mesos.Value_Type
	text string // see task.Constraint for the textual form
}

// attribute is what the rooms have under one name.
type attribute struct {
	name    string
	numbers map[value]int32
	values  []value // by number
	rooms   []int32 // numbers by room, -1: the agent has no such attribute
	offered int32   // values below this number are those of rooms, the others those of running tasks alone
}

// attributes are those that a task of the cycle asks about: nobody looks at others.
type attributes map[string]*attribute

// of gives the attribute of a name, which is looked up in all rooms when it is asked for first.
func (all attributes) of(c *cluster, name string) *attribute {
	if a, known := all[name]; known {
		return a
	}
	a := &attribute{name: name, numbers: make(map[value]int32), rooms: make([]int32, len(c.rooms))}
	all[name] = a
	for i := range c.rooms {
		a.rooms[i] = a.number(c.rooms[i].agent)
	}
	a.offered = int32(len(a.values))
	return a
}

// number gives the number of an agent's value, -1 if it has none.
func (a *attribute) number(agent *task.Agent) int32 {
	v, found := valueOf(agent, a.name)
	if !found {
		return -1
	}
	n, known := a.numbers[v]
	if !known {
		n = int32(len(a.values))
		a.numbers[v] = n
		a.values = append(a.values, v)
	}
	return n
}

// valueOf gives what an agent has under a name. What is empty counts as missing, but for text attributes.
func valueOf(agent *task.Agent, name string) (value, bool) {
	fixed := ""
	switch name {
	case task.Hostname:
		fixed = agent.Hostname
	case task.Region:
		fixed = agent.Region
	case task.Zone:
		fixed = agent.Zone
	default:
		for i := range agent.Attributes {
			if agent.Attributes[i].Name == name {
				return attributeValue(&agent.Attributes[i])
			}
		}
		return value{}, false
	}
	return value{mesos.TEXT, fixed}, fixed != ""
}

func attributeValue(a *mesos.Attribute) (value, bool) {
	switch {
	case a.Type == mesos.TEXT && a.Text != nil:
		return value{mesos.TEXT, a.Text.Value}, true
	case a.Type == mesos.SCALAR && a.Scalar != nil:
		return value{mesos.SCALAR, scalarText(a.Scalar.Value)}, true
	case a.Type == mesos.RANGES && a.Ranges != nil:
		return value{mesos.RANGES, rangesText(a.Ranges.Range)}, true
	case a.Type == mesos.SET && a.Set != nil:
		return value{mesos.SET, setText(a.Set.Item)}, true
	}
	return value{}, false
}

// scalarText writes a number as Mesos does, which keeps three digits.
func scalarText(x float64) string {
	text := strconv.FormatFloat(x, 'f', 3, 64)
	if strings.Contains(text, ".") { // not NaN or Inf
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

func rangesText(ranges []mesos.Value_Range) string {
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b mesos.Value_Range) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	parts := make([]string, len(sorted))
	for i, r := range sorted {
		parts[i] = fmt.Sprintf("%d-%d", r.Begin, r.End)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func setText(items []string) string {
	return "{" + strings.Join(slices.Sorted(slices.Values(items)), ", ") + "}"
}

// is tells whether the value equals what a constraint says.
func (v value) is(text string) bool {
	switch v.typ {
	case mesos.SCALAR:
		x, err := strconv.ParseFloat(text, 64)
		return err == nil && scalarText(x) == v.text
	case mesos.RANGES:
		return ordered(text, "[", "]") == ordered(v.text, "[", "]")
	case mesos.SET:
		return ordered(text, "{", "}") == ordered(v.text, "{", "}")
	default:
		return text == v.text
	}
}

// ordered gives a list in brackets in an order and without blanks; what is no such list as it is.
func ordered(list, open, end string) string {
	inside, ok := strings.CutPrefix(strings.TrimSpace(list), open)
	inside, closed := strings.CutSuffix(inside, end)
	if !ok || !closed {
		return list
	}
	parts := strings.Split(inside, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	slices.Sort(parts)
	return open + strings.Join(parts, ",") + end
}
