package taskmatcher

import (
	"regexp"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// rule is a constraint, judged for all offers.
type rule struct {
	holds []bool // parallel to the rooms
}

// rulebook judges each distinct constraint once, however many tasks have it.
type rulebook struct {
	rooms []*room
	rules map[task.Constraint]*rule
}

func newRulebook(rooms []*room) rulebook {
	return rulebook{rooms, make(map[task.Constraint]*rule)}
}

func (b rulebook) rule(c task.Constraint) *rule {
	if known, found := b.rules[c]; found {
		return known
	}
	r := &rule{make([]bool, len(b.rooms))}
	b.rules[c] = r
	expression, err := regexp.Compile(c.Value)
	if err != nil || c.Operator != task.Like && c.Operator != task.Unlike {
		return r
	}
	// A whole match is found by asking for the longest one. To wrap the text in \A(?:…)\z would
	// break expressions like `\Qa`.
	expression.Longest()
	judged := make(map[string]bool) // by attribute value: agents share their racks and zones
	for i := range b.rooms {
		value, found := text(b.rooms[i].offer.Agent.Attributes, c.Attribute)
		if !found {
			continue
		}
		holds, known := judged[value]
		if !known {
			match := expression.FindStringIndex(value)
			whole := match != nil && match[0] == 0 && match[1] == len(value)
			holds = whole == (c.Operator == task.Like)
			judged[value] = holds
		}
		r.holds[i] = holds
	}
	return r
}

// text gives the first text attribute of that name.
func text(attributes []mesos.Attribute, name string) (string, bool) {
	for i := range attributes {
		if a := &attributes[i]; a.Name == name && a.Type == mesos.TEXT && a.Text != nil {
			return a.Text.Value, true
		}
	}
	return "", false
}
