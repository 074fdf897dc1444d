package constraints

import "github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"

type (
	// Call is a scheduler.Call of which only the offer constraints are read.
	Call struct {
		Subscribe       *Payload `protobuf:"bytes,3,opt,name=subscribe"`
		UpdateFramework *Payload `protobuf:"bytes,19,opt,name=update_framework"`
	}
	// Payload is SUBSCRIBE or UPDATE_FRAMEWORK, in which offer_constraints has the same number.
	Payload struct {
		OfferConstraints *Offer `protobuf:"bytes,3,opt,name=offer_constraints"`
	}
	// Offer is mesos.scheduler.OfferConstraints. Nil admits every agent.
	Offer struct {
		RoleConstraints map[string]*Role `protobuf:"bytes,1,rep,name=role_constraints" protobuf_key:"bytes,1,opt,name=key" protobuf_val:"bytes,2,opt,name=value"`
	}
	// Role is OfferConstraints.RoleConstraints: of its groups one must hold.
	Role struct {
		Groups []*Group `protobuf:"bytes,1,rep,name=groups"`
	}
	// Group is OfferConstraints.RoleConstraints.Group: all of its constraints must hold.
	Group struct {
		AttributeConstraints []*Attribute `protobuf:"bytes,1,rep,name=attribute_constraints"`
	}
	// Attribute is mesos.AttributeConstraint.
	Attribute struct {
		Selector  *Selector  `protobuf:"bytes,1,req,name=selector"`
		Predicate *Predicate `protobuf:"bytes,2,req,name=predicate"`
	}
	// Selector is AttributeConstraint.Selector, a oneof.
	Selector struct {
		PseudoattributeType *int32  `protobuf:"varint,1,opt,name=pseudoattribute_type,enum=mesos.AttributeConstraint_Selector_PseudoattributeType"`
		AttributeName       *string `protobuf:"bytes,2,opt,name=attribute_name"`
	}
	// Predicate is AttributeConstraint.Predicate, a oneof.
	Predicate struct {
		Exists         *Exists `protobuf:"bytes,1,opt,name=exists"`
		NotExists      *Exists `protobuf:"bytes,2,opt,name=not_exists"`
		TextEquals     *Text   `protobuf:"bytes,3,opt,name=text_equals"`
		TextNotEquals  *Text   `protobuf:"bytes,4,opt,name=text_not_equals"`
		TextMatches    *Regex  `protobuf:"bytes,5,opt,name=text_matches"`
		TextNotMatches *Regex  `protobuf:"bytes,6,opt,name=text_not_matches"`
	}
	// Exists is Predicate.Exists and Predicate.NotExists.
	Exists struct{}
	// Text is Predicate.TextEquals and Predicate.TextNotEquals.
	Text struct {
		Value *string `protobuf:"bytes,1,req,name=value"`
	}
	// Regex is Predicate.TextMatches and Predicate.TextNotMatches.
	Regex struct {
		Regex *string `protobuf:"bytes,1,req,name=regex"`
	}
)

// Reset is a method of proto.Message.
func (c *Call) Reset() { *c = Call{} }

// String is a method of proto.Message.
func (c *Call) String() string { return string(wirejson.Encode(c)) }

// ProtoMessage is a method of proto.Message.
func (*Call) ProtoMessage() {}

// Constraints returns those of the call, nil when it has none.
func (c *Call) Constraints() *Offer {
	switch {
	case c.Subscribe != nil:
		return c.Subscribe.OfferConstraints
	case c.UpdateFramework != nil:
		return c.UpdateFramework.OfferConstraints
	}
	return nil
}
