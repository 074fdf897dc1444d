package taskmatcher

import (
	"regexp"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// condition is a constraint as a shape meets it: it judges rooms by the number of their value, and
// tasks that were placed meanwhile.
type condition struct {
	operator task.Operator // if it counts tasks
	values   []int32       // of the attribute, by room
	judge    *judge        // of what does not depend on other tasks
	counter  *counter      // of what does
	number   int32         // for MAX_PER and GROUP_BY
}

// condition prepares a constraint for a group.
func (m *match) condition(c task.Constraint, group string) condition {
	a := m.attributes.of(m.cluster, c.Attribute)
	result := condition{operator: c.Operator, values: a.rooms}
	n, numbered := c.Number()
	switch {
	case c.Operator == task.Unique, c.Operator == task.Cluster && c.Value == "":
		result.counter = m.counter(group, a)
	case c.Operator == task.MaxPer && numbered, c.Operator == task.GroupBy && (numbered || c.Value == ""):
		result.counter, result.number = m.counter(group, a), int32(n)
	default:
		result.operator = "" // also of GROUP_BY with a value that makes no sense
		if result.judge = m.judges[c]; result.judge == nil {
			result.judge = newJudge(c, a)
			m.judges[c] = result.judge
		}
	}
	return result
}

// holds tells whether the condition holds in a room, as things are.
func (c *condition) holds(at int32) bool {
	v := c.values[at]
	return v >= 0 && c.holdsFor(v)
}

// holdsFor tells whether it holds for a value. What does not hold will not hold later in the
// cycle either, except for GROUP_BY.
func (c *condition) holdsFor(v int32) bool {
	switch c.operator {
	case task.Unique:
		return c.counter.tasks[v] == 0
	case task.MaxPer:
		return c.counter.tasks[v] < int64(c.number)
	case task.GroupBy:
		if c.counter.known < int(c.number) {
			return c.counter.tasks[v] == 0
		}
		return c.counter.tasks[v] <= c.counter.least
	case task.Cluster:
		return c.counter.tasks[v] == c.counter.total
	}
	return c.judge.holds(v)
}

// judge decides on the values of an attribute for a constraint that counts no tasks: on each value
// once, and on none that nobody asks about.
type judge struct {
	constraint task.Constraint
	attribute  *attribute
	verdicts   []verdict // by value
	expression *regexp.Regexp
	broken     bool // no value will do
}

type verdict uint8

const (
	open verdict = iota
	yes
	no
)

func newJudge(c task.Constraint, a *attribute) *judge {
	j := &judge{constraint: c, attribute: a, verdicts: make([]verdict, len(a.values))}
	switch c.Operator {
	case task.Like, task.Unlike:
		expression, err := regexp.Compile(c.Value)
		if err != nil {
			j.broken = true
			break
		}
		// A whole match is found by asking for the longest one. To wrap the text in \A(?:…)\z would
		// break expressions like `\Qa`.
		expression.Longest()
		j.expression = expression
	case task.Is, task.Cluster:
	default:
		j.broken = true
	}
	return j
}

func (j *judge) holds(v int32) bool {
	if j.verdicts[v] == open {
		j.verdicts[v] = no
		if !j.broken && j.decide(j.attribute.values[v]) {
			j.verdicts[v] = yes
		}
	}
	return j.verdicts[v] == yes
}

func (j *judge) decide(v value) bool {
	if j.expression == nil {
		return v.is(j.constraint.Value)
	}
	match := j.expression.FindStringIndex(v.text)
	whole := match != nil && match[0] == 0 && match[1] == len(v.text)
	return whole == (j.constraint.Operator == task.Like)
}
