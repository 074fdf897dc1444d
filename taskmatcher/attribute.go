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

// value is the value of an attribute. Within a cycle, equal values of an attribute have the same number.
type value struct {
	typ  mesos.Value_Type
	text string // the textual form, see task.Constraint
}

// attribute numbers the values of one attribute, or of the hostname, region or zone.
type attribute struct {
	name            string
	numbers         map[value]int32
	values          []value // by number
	byCandidate     []int32 // number of the candidate's value, -1: the agent does not have the attribute
	candidateValues int32   // numbers below are values of candidates, the others only of agents with running tasks
}

// attributes are the attributes that occur in constraints and preferences of the cycle, by name.
type attributes map[string]*attribute

// get returns an attribute. When it is first asked for, its values are looked up for all candidates.
func (all attributes) get(c *cluster, name string) *attribute {
	if a, known := all[name]; known {
		return a
	}
	a := &attribute{name: name, numbers: make(map[value]int32), byCandidate: make([]int32, len(c.candidates))}
	all[name] = a
	for i := range c.candidates {
		a.byCandidate[i] = a.number(c.candidates[i].agent)
	}
	a.candidateValues = int32(len(a.values))
	return a
}

// number returns the number of an agent's value, or -1 if the agent does not have the attribute.
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

// valueOf returns an agent's value of an attribute, or false if the agent does not have it. An empty hostname, region or
// zone counts as missing, and so does an attribute without a value; an attribute whose value is an empty text does not.
func valueOf(agent *task.Agent, name string) (value, bool) {
	property := ""
	switch name {
	case task.AttributeHostname, "@hostname":
		property = agent.Hostname
	case task.AttributeRegion:
		property = agent.Region
	case task.AttributeZone:
		property = agent.Zone
	default:
		for i := range agent.Attributes {
			if agent.Attributes[i].Name == name {
				return attributeValue(&agent.Attributes[i])
			}
		}
		return value{}, false
	}
	return value{mesos.TEXT, property}, property != ""
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

// scalarText formats a number as Mesos does, with up to three decimal digits.
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

// equals reports whether the value equals the value of a constraint.
func (v value) equals(text string) bool {
	switch v.typ {
	case mesos.SCALAR:
		x, err := strconv.ParseFloat(text, 64)
		return err == nil && scalarText(x) == v.text
	case mesos.RANGES:
		return sortedList(text, "[", "]") == sortedList(v.text, "[", "]")
	case mesos.SET:
		return sortedList(text, "{", "}") == sortedList(v.text, "{", "}")
	default:
		return text == v.text
	}
}

// sortedList returns a list in brackets with its elements sorted and without blanks. Any other text is returned
// unchanged.
func sortedList(list, open, end string) string {
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
