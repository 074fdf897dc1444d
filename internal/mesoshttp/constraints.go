package mesoshttp

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
)

// OfferConstraints say for each role which agents' resources are to be offered: those of agents that satisfy all
// constraints of at least one group. A role that is missing is offered the resources of all agents; a master refuses a
// role without groups and a group without constraints. It is a message of Mesos 1.11 and later, which older masters
// ignore and mesos-go does not have.
type OfferConstraints map[string][]ConstraintGroup

// ConstraintGroup is satisfied by an agent that satisfies all of its constraints.
type ConstraintGroup []AttributeConstraint

// AttributeConstraint is a Predicate on an attribute of the agent.
type AttributeConstraint struct {
	// Attribute is the attribute's name. If several attributes have it, the first one counts. Not used with a Pseudo.
	Attribute string
	Pseudo    PseudoAttribute
	Predicate Predicate
	// Value is a text, or a regular expression in the syntax of RE2. Not used with Exists and NotExists.
	Value string
}

// PseudoAttribute is a property of an agent that is not one of its attributes. The values are those of Mesos' enum.
type PseudoAttribute uint8

// The pseudo-attributes.
const (
	NoPseudo PseudoAttribute = iota
	Hostname
	Region
	Zone
)

// String returns the name in Mesos' enum.
func (p PseudoAttribute) String() string {
	return [...]string{"UNKNOWN", "HOSTNAME", "REGION", "ZONE"}[min(p, Zone)]
}

// Predicate is a condition on an attribute. The values are the numbers of the fields of Mesos' message. Predicates on
// text are also true of attributes of another type; the negative ones are also true of attributes that do not exist.
type Predicate uint8

// The predicates.
const (
	Exists Predicate = iota + 1
	NotExists
	TextEquals
	TextNotEquals
	TextMatches // the whole text
	TextNotMatches
)

// String returns the name of the field of Mesos' message.
func (p Predicate) String() string {
	if p < Exists || p > TextNotMatches {
		return "Predicate(" + strconv.Itoa(int(p)) + ")"
	}
	return [...]string{"exists", "not_exists", "text_equals", "text_not_equals", "text_matches", "text_not_matches"}[p-1]
}

// hasText reports whether the predicate has a value, whose name valueName returns.
func (p Predicate) hasText() bool { return p > NotExists }

func (p Predicate) valueName() string {
	if p >= TextMatches {
		return "regex"
	}
	return "value"
}

// The numbers of the fields on the way to the constraints, in the messages Call, and both Subscribe and UpdateFramework.
const (
	fieldSubscribe        = 3
	fieldUpdateFramework  = 19
	fieldOfferConstraints = 3
)

// appendField appends a field of a message that is itself a message or a text.
func appendField(to []byte, number uint64, content []byte) []byte {
	const lengthDelimited = 2
	to = binary.AppendUvarint(to, number<<3|lengthDelimited)
	to = binary.AppendUvarint(to, uint64(len(content)))
	return append(to, content...)
}

// protobuf returns the encoded message, with the roles in order.
func (c OfferConstraints) protobuf() []byte {
	var message []byte
	for _, role := range slices.Sorted(maps.Keys(c)) {
		var groups []byte
		for _, group := range c[role] {
			var constraints []byte
			for _, a := range group {
				constraints = appendField(constraints, 1, a.protobuf())
			}
			groups = appendField(groups, 1, constraints)
		}
		entry := appendField(nil, 1, []byte(role))
		message = appendField(message, 1, appendField(entry, 2, groups))
	}
	return message
}

func (a AttributeConstraint) protobuf() []byte {
	selector := []byte{1 << 3, byte(a.Pseudo)} // a varint
	if a.Pseudo == NoPseudo {
		selector = appendField(nil, 2, []byte(a.Attribute))
	}
	var content []byte
	if a.Predicate.hasText() {
		content = appendField(nil, 1, []byte(a.Value))
	}
	message := appendField(nil, 1, selector)
	return appendField(message, 2, appendField(nil, uint64(a.Predicate), content))
}

// json returns the message for json.Marshal.
func (c OfferConstraints) json() any {
	type object = map[string]any
	roles := object{}
	for role, groups := range c {
		list := []any{}
		for _, group := range groups {
			constraints := []any{}
			for _, a := range group {
				selector, predicate := object{"attribute_name": a.Attribute}, object{}
				if a.Pseudo != NoPseudo {
					selector = object{"pseudoattribute_type": a.Pseudo.String()}
				}
				if a.Predicate.hasText() {
					predicate[a.Predicate.valueName()] = a.Value
				}
				constraints = append(constraints, object{"selector": selector, "predicate": object{a.Predicate.String(): predicate}})
			}
			list = append(list, object{"attribute_constraints": constraints})
		}
		roles[role] = object{"groups": list}
	}
	return object{"role_constraints": roles}
}
