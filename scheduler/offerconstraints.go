package scheduler

import (
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// offerConstraints returns constraints in the form of the call, nil if there are none.
func offerConstraints(c offerfilter.Constraints) mesoshttp.OfferConstraints {
	if len(c) == 0 {
		return nil
	}
	message := mesoshttp.OfferConstraints{}
	for role, sets := range c {
		for _, set := range sets {
			var all mesoshttp.ConstraintGroup
			for _, constraint := range set {
				all = appendPredicates(all, constraint)
			}
			message[role] = append(message[role], all)
		}
	}
	return message
}

func appendPredicates(to mesoshttp.ConstraintGroup, c task.Constraint) mesoshttp.ConstraintGroup {
	a := mesoshttp.AttributeConstraint{Attribute: c.Attribute, Predicate: mesoshttp.Exists, Value: c.Value}
	switch c.Attribute {
	case task.AttributeHostname:
		a.Attribute, a.Pseudo = "", mesoshttp.Hostname
	case task.AttributeRegion:
		a.Attribute, a.Pseudo = "", mesoshttp.Region
	case task.AttributeZone:
		a.Attribute, a.Pseudo = "", mesoshttp.Zone
	}
	switch c.Operator {
	case task.OpIs:
		a.Predicate = mesoshttp.TextEquals
	case task.OpLike:
		a.Predicate = mesoshttp.TextMatches
	case task.OpUnlike:
		to, a.Predicate = append(to, existing(a)), mesoshttp.TextNotMatches
	case task.OpIsNot:
		to, a.Predicate = append(to, existing(a)), mesoshttp.TextNotEquals
	}
	return append(to, a)
}

// existing returns the constraint that the attribute exists. In Mesos the negative predicates hold if it is missing,
// here they do not.
func existing(a mesoshttp.AttributeConstraint) mesoshttp.AttributeConstraint {
	a.Predicate, a.Value = mesoshttp.Exists, ""
	return a
}
