package constraints

import (
	"fmt"
	"regexp"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// The pseudo-attributes of AttributeConstraint.Selector.
const (
	pseudoHostname = 1
	pseudoRegion   = 2
	pseudoZone     = 3
)

// Agent is what constraints know of an agent.
type Agent struct {
	Hostname   string
	Domain     *mesos.DomainInfo // nil for none
	Attributes []mesos.Attribute
}

// Admits reports whether the constraints let an agent be offered to a role: one of the role's groups must hold,
// and of that every constraint.
func (c *Offer) Admits(role string, a Agent) bool {
	if c == nil || c.RoleConstraints[role] == nil {
		return true
	}
	for _, g := range c.RoleConstraints[role].Groups {
		holds := true
		for _, constraint := range g.AttributeConstraints {
			holds = holds && constraint.holds(a)
		}
		if holds {
			return true
		}
	}
	return false
}

// holds reports whether the predicate holds for the selected attribute, of several of that name the first.
func (c *Attribute) holds(a Agent) bool {
	values := a.selected(c.Selector)
	p := c.Predicate
	if len(values) == 0 {
		return p.NotExists != nil || p.TextNotEquals != nil || p.TextNotMatches != nil
	}
	return p.holds(values[0])
}

// holds reports whether the predicate holds for an attribute that exists; nil is one that is no text, for which every
// text predicate does.
func (p *Predicate) holds(text *string) bool {
	switch {
	case p.Exists != nil:
		return true
	case p.NotExists != nil:
		return false
	case text == nil:
		return true
	case p.TextEquals != nil:
		return *text == *p.TextEquals.Value
	case p.TextNotEquals != nil:
		return *text != *p.TextNotEquals.Value
	case p.TextMatches != nil:
		return fullMatch(*p.TextMatches.Regex, *text)
	case p.TextNotMatches != nil:
		return !fullMatch(*p.TextNotMatches.Regex, *text)
	}
	return true
}

// fullMatch reports whether a validated expression matches all of a text. A whole match is found by asking for the
// longest one; to wrap the expression would break one such as `\Qa`.
func fullMatch(expression, text string) bool {
	re, err := regexp.Compile(expression)
	if err != nil {
		return false
	}
	re.Longest()
	match := re.FindStringIndex(text)
	return match != nil && match[0] == 0 && match[1] == len(text)
}

// selected returns the values of the attributes that a selector means; nil for one that is no text.
func (a Agent) selected(s *Selector) []*string {
	if s.PseudoattributeType != nil {
		switch *s.PseudoattributeType {
		case pseudoHostname:
			return []*string{&a.Hostname}
		case pseudoRegion:
			if a.Domain != nil {
				return []*string{&a.Domain.FaultDomain.Region.Name}
			}
		case pseudoZone:
			if a.Domain != nil {
				return []*string{&a.Domain.FaultDomain.Zone.Name}
			}
		}
		return nil
	}
	var values []*string
	for i := range a.Attributes {
		attribute := &a.Attributes[i]
		if s.AttributeName == nil || attribute.Name != *s.AttributeName {
			continue
		}
		if attribute.Type == mesos.TEXT && attribute.Text != nil {
			values = append(values, &attribute.Text.Value)
		} else {
			values = append(values, nil)
		}
	}
	return values
}

// Supported reports whether masters of the version know offer constraints, as they do from 1.11 on.
func Supported(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(strings.TrimSpace(version), "%d.%d", &major, &minor)
	return err == nil && (major > 1 || major == 1 && minor >= 11)
}
