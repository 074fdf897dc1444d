package mesostest

import (
	"errors"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// Offer constraints came with Mesos 1.11; mesos-go v0.0.11 does not have them. These are their
// messages, under Mesos' names and numbers.
type (
	// constraintsCall is a Call of which only the offer constraints are read.
	constraintsCall struct {
		Subscribe       *constraintsPayload `protobuf:"bytes,3,opt,name=subscribe"`
		UpdateFramework *constraintsPayload `protobuf:"bytes,19,opt,name=update_framework"`
	}
	constraintsPayload struct {
		OfferConstraints *offerConstraints `protobuf:"bytes,3,opt,name=offer_constraints"`
	}
	offerConstraints struct {
		RoleConstraints map[string]*roleConstraints `protobuf:"bytes,1,rep,name=role_constraints" protobuf_key:"bytes,1,opt,name=key" protobuf_val:"bytes,2,opt,name=value"`
	}
	roleConstraints struct {
		Groups []*constraintGroup `protobuf:"bytes,1,rep,name=groups"`
	}
	constraintGroup struct {
		AttributeConstraints []*attributeConstraint `protobuf:"bytes,1,rep,name=attribute_constraints"`
	}
	attributeConstraint struct {
		Selector  *constraintSelector  `protobuf:"bytes,1,req,name=selector"`
		Predicate *constraintPredicate `protobuf:"bytes,2,req,name=predicate"`
	}
	constraintSelector struct {
		PseudoattributeType *int32  `protobuf:"varint,1,opt,name=pseudoattribute_type,enum=mesos.AttributeConstraint_Selector_PseudoattributeType"`
		AttributeName       *string `protobuf:"bytes,2,opt,name=attribute_name"`
	}
	constraintPredicate struct {
		Exists         *constraintExists `protobuf:"bytes,1,opt,name=exists"`
		NotExists      *constraintExists `protobuf:"bytes,2,opt,name=not_exists"`
		TextEquals     *constraintText   `protobuf:"bytes,3,opt,name=text_equals"`
		TextNotEquals  *constraintText   `protobuf:"bytes,4,opt,name=text_not_equals"`
		TextMatches    *constraintRegex  `protobuf:"bytes,5,opt,name=text_matches"`
		TextNotMatches *constraintRegex  `protobuf:"bytes,6,opt,name=text_not_matches"`
	}
	constraintExists struct{}
	constraintText   struct {
		Value *string `protobuf:"bytes,1,req,name=value"`
	}
	constraintRegex struct {
		Regex *string `protobuf:"bytes,1,req,name=regex"`
	}
)

// The methods of proto.Message.
func (c *constraintsCall) Reset()         { *c = constraintsCall{} }
func (c *constraintsCall) String() string { return string(wirejson.Encode(c)) }
func (*constraintsCall) ProtoMessage()    {}

// constraints are those of the call, nil when it has none.
func (c *constraintsCall) constraints() *offerConstraints {
	switch {
	case c.Subscribe != nil:
		return c.Subscribe.OfferConstraints
	case c.UpdateFramework != nil:
		return c.UpdateFramework.OfferConstraints
	}
	return nil
}

// validateConstraints is what a master says about the offer constraints of a framework, "" if
// nothing is wrong with them.
func validateConstraints(c *offerConstraints, info *mesos.FrameworkInfo) string {
	if c == nil {
		return ""
	}
	roles := slices.Sorted(maps.Keys(c.RoleConstraints))
	for _, role := range roles {
		if !slices.Contains(rolesOf(info), role) {
			return "Offer constraints specify `role_constraints` for a role '" + role + "'not contained in the set of roles"
		}
	}
	for _, role := range roles {
		if fault := groupsFault(role, c.RoleConstraints[role]); fault != "" {
			return "Offer constraints are not valid: " + fault
		}
	}
	return ""
}

func groupsFault(role string, c *roleConstraints) string {
	if c == nil || len(c.Groups) == 0 {
		return "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role " + role
	}
	for _, g := range c.Groups {
		if len(g.AttributeConstraints) == 0 {
			return "'OfferConstraints::RoleConstraints::groups' for role " + role + "contains an empty RoleConstraints::Group"
		}
		for _, a := range g.AttributeConstraints {
			if fault := attributeFault(a); fault != "" {
				return "A role " + role + " has an invalid 'AttributeConstraint': " + fault
			}
		}
	}
	return ""
}

func attributeFault(a *attributeConstraint) string {
	s, p := a.Selector, a.Predicate
	switch {
	case s.AttributeName == nil && s.PseudoattributeType == nil:
		return "Exactly one of 'AttributeConstraint::Selector::name' or 'AttributeConstraint::Selector::pseudoattribute_type' must be set"
	case s.AttributeName == nil && *s.PseudoattributeType == 0:
		return "Unknown pseudoattribute type"
	case p.Exists != nil || p.NotExists != nil || p.TextEquals != nil || p.TextNotEquals != nil:
		return ""
	case p.TextMatches != nil:
		return regexFault(*p.TextMatches.Regex)
	case p.TextNotMatches != nil:
		return regexFault(*p.TextNotMatches.Regex)
	}
	return "Unknown predicate type"
}

// regexReason is RE2's name of an error.
func regexReason(code syntax.ErrorCode) string {
	switch code {
	case syntax.ErrMissingParen:
		return "missing )"
	case syntax.ErrMissingBracket:
		return "missing ]"
	case syntax.ErrMissingRepeatArgument:
		return "no argument for repetition operator"
	case syntax.ErrInvalidRepeatOp:
		return "bad repetition operator"
	case syntax.ErrInvalidRepeatSize:
		return "invalid repetition size"
	case syntax.ErrInvalidNamedCapture:
		return "invalid named capture group"
	case syntax.ErrInvalidPerlOp:
		return "invalid perl operator"
	case syntax.ErrTrailingBackslash:
		return "trailing \\"
	}
	return code.String()
}

// maxProgram is --offer_constraints_re2_max_program_size. Go's programs are not RE2's: their sizes are alike, no more.
const maxProgram = 100

// regexFault words an error as RE2 does, whose syntax Go shares.
func regexFault(pattern string) string {
	_, err := regexp.Compile(pattern)
	if err == nil {
		return complexity(pattern)
	}
	reason := err.Error()
	var fault *syntax.Error
	if errors.As(err, &fault) {
		reason = regexReason(fault.Code) + ": " + fault.Expr
	}
	return "Failed to construct regex from pattern '" + pattern + "': " + reason
}

// complexity says whether an expression is too long for a master.
func complexity(pattern string) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return err.Error()
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return err.Error()
	}
	if size := len(program.Inst); size > maxProgram {
		return "Regex '" + pattern + "' is too complex: program size of " + strconv.Itoa(size) +
			" is larger than maximum of " + strconv.Itoa(maxProgram) + " allowed"
	}
	return ""
}
