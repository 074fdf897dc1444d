package constraints

import (
	"errors"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
)

// Fault returns what a master says about the offer constraints of a framework with these roles,
// "" if nothing is wrong with them.
func (c *Offer) Fault(frameworkRoles []string) string {
	if c == nil {
		return ""
	}
	roles := slices.Sorted(maps.Keys(c.RoleConstraints))
	for _, role := range roles {
		if !slices.Contains(frameworkRoles, role) {
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

func groupsFault(role string, c *Role) string {
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

func attributeFault(a *Attribute) string {
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

// regexReason returns RE2's name of an error.
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

// complexity returns what a master says about an expression that is too long, "" about others.
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
