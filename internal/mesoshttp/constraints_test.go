package mesoshttp

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// The types below are Mesos' messages with its own names and numbers, for gogo's decoder, which is independent of the
// encoder under test.
type (
	wireCall struct {
		Subscribe       *wirePayload `protobuf:"bytes,3,opt,name=subscribe" json:"subscribe"`
		UpdateFramework *wirePayload `protobuf:"bytes,19,opt,name=update_framework" json:"update_framework"`
	}
	wirePayload struct {
		OfferConstraints *wireConstraints `protobuf:"bytes,3,opt,name=offer_constraints" json:"offer_constraints"`
	}
	wireConstraints struct {
		RoleConstraints map[string]*wireRole `protobuf:"bytes,1,rep,name=role_constraints" protobuf_key:"bytes,1,opt,name=key" protobuf_val:"bytes,2,opt,name=value" json:"role_constraints"`
	}
	wireRole struct {
		Groups []*wireGroup `protobuf:"bytes,1,rep,name=groups" json:"groups"`
	}
	wireGroup struct {
		AttributeConstraints []*wireConstraint `protobuf:"bytes,1,rep,name=attribute_constraints" json:"attribute_constraints"`
	}
	wireConstraint struct {
		Selector  *wireSelector  `protobuf:"bytes,1,req,name=selector"`
		Predicate *wirePredicate `protobuf:"bytes,2,req,name=predicate"`
	}
	wireSelector struct {
		Pseudo *int32  `protobuf:"varint,1,opt,name=pseudoattribute_type"`
		Name   *string `protobuf:"bytes,2,opt,name=attribute_name"`
	}
	wirePredicate struct {
		Exists         *wireText `protobuf:"bytes,1,opt,name=exists"`
		NotExists      *wireText `protobuf:"bytes,2,opt,name=not_exists"`
		TextEquals     *wireText `protobuf:"bytes,3,opt,name=text_equals"`
		TextNotEquals  *wireText `protobuf:"bytes,4,opt,name=text_not_equals"`
		TextMatches    *wireText `protobuf:"bytes,5,opt,name=text_matches"`
		TextNotMatches *wireText `protobuf:"bytes,6,opt,name=text_not_matches"`
	}
	wireText struct {
		Value *string `protobuf:"bytes,1,opt,name=value"`
	}
)

func (c *wireCall) Reset()         { *c = wireCall{} }
func (c *wireCall) String() string { return fmt.Sprintf("%+v", *c) }
func (*wireCall) ProtoMessage()    {}

// decodedConstraints returns the constraints in an encoded call as other decoders understand them.
func decodedConstraints(t *testing.T, c Codec, body []byte) OfferConstraints {
	var call wireCall
	if c == JSON {
		require.NoError(t, json.Unmarshal(body, &call))
	} else {
		require.NoError(t, proto.Unmarshal(body, &call))
	}
	payload := call.Subscribe
	if payload == nil {
		payload = call.UpdateFramework
	}
	if payload.OfferConstraints == nil {
		return nil
	}
	constraints := OfferConstraints{}
	for role, r := range payload.OfferConstraints.RoleConstraints {
		constraints[role] = nil
		for _, g := range r.Groups {
			var group ConstraintGroup
			for _, a := range g.AttributeConstraints {
				group = append(group, a.constraint())
			}
			constraints[role] = append(constraints[role], group)
		}
	}
	return constraints
}

// UnmarshalJSON accepts Mesos' names of enum values and fields.
func (w *wireConstraint) UnmarshalJSON(text []byte) error {
	type value struct{ Value, Regex *string }
	var named struct {
		Selector struct {
			Pseudo *string `json:"pseudoattribute_type"`
			Name   *string `json:"attribute_name"`
		}
		Predicate struct {
			Exists         *value
			NotExists      *value `json:"not_exists"`
			TextEquals     *value `json:"text_equals"`
			TextNotEquals  *value `json:"text_not_equals"`
			TextMatches    *value `json:"text_matches"`
			TextNotMatches *value `json:"text_not_matches"`
		}
	}
	if err := json.Unmarshal(text, &named); err != nil {
		return err
	}
	w.Selector, w.Predicate = &wireSelector{Name: named.Selector.Name}, &wirePredicate{}
	if named.Selector.Pseudo != nil {
		number := map[string]int32{"HOSTNAME": 1, "REGION": 2, "ZONE": 3}[*named.Selector.Pseudo]
		w.Selector.Pseudo = &number
	}
	p := &named.Predicate
	for i, v := range []*value{p.Exists, p.NotExists, p.TextEquals, p.TextNotEquals, p.TextMatches, p.TextNotMatches} {
		if v == nil {
			continue
		}
		text := &wireText{v.Value}
		if i >= 4 {
			text.Value = v.Regex
		}
		*w.Predicate.all()[i] = text
	}
	return nil
}

func (w *wirePredicate) all() []**wireText {
	return []**wireText{&w.Exists, &w.NotExists, &w.TextEquals, &w.TextNotEquals, &w.TextMatches, &w.TextNotMatches}
}

func (w *wireConstraint) constraint() AttributeConstraint {
	var a AttributeConstraint
	if w.Selector.Name != nil {
		a.Attribute = *w.Selector.Name
	}
	if w.Selector.Pseudo != nil {
		a.Pseudo = PseudoAttribute(*w.Selector.Pseudo)
	}
	for i, text := range w.Predicate.all() {
		if *text != nil {
			a.Predicate = Predicate(i + 1)
			if (*text).Value != nil {
				a.Value = *(*text).Value
			}
		}
	}
	return a
}

func constraintCalls() []*scheduler.Call {
	info := mesos.FrameworkInfo{User: "root", Name: "con", Roles: []string{"test"}, ID: &mesos.FrameworkID{Value: "f"}}
	return []*scheduler.Call{
		{Type: scheduler.Call_SUBSCRIBE, FrameworkID: info.ID, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &info, SuppressedRoles: []string{"test"}}},
		{Type: scheduler.Call_UPDATE_FRAMEWORK, FrameworkID: info.ID, UpdateFramework: &scheduler.Call_UpdateFramework{FrameworkInfo: info, SuppressedRoles: []string{"test"}}},
	}
}

func everyConstraint() OfferConstraints {
	return OfferConstraints{
		"test": {
			{{Attribute: "rack", Predicate: TextEquals, Value: "r1"}, {Attribute: "gpu", Predicate: Exists}, {Attribute: "old", Predicate: NotExists}},
			{{Pseudo: Hostname, Predicate: TextMatches, Value: "agent[23].*"}},
		},
		"a/b": {
			{{Pseudo: Region, Predicate: TextNotEquals, Value: "eu"}, {Pseudo: Zone, Predicate: TextNotMatches, Value: ""}},
		},
	}
}

// The rest of the call is unchanged, and decoders that know the constraints find them in it.
func TestOfferConstraints(t *testing.T) {
	for _, codec := range []Codec{Protobuf, JSON} {
		for _, call := range constraintCalls() {
			t.Run(codec.String()+"/"+call.Type.String(), func(t *testing.T) {
				body, err := codec.encode(call, everyConstraint())
				require.NoError(t, err)
				require.Equal(t, everyConstraint(), decodedConstraints(t, codec, body))
				var again scheduler.Call
				if codec == JSON {
					require.NoError(t, json.Unmarshal(body, &again))
				} else {
					require.NoError(t, again.Unmarshal(body))
				}
				want, err := call.Marshal()
				require.NoError(t, err)
				got, err := again.Marshal()
				require.NoError(t, err)
				require.Equal(t, want, got)

				plain, err := codec.encode(call, nil)
				require.NoError(t, err)
				require.Nil(t, decodedConstraints(t, codec, plain))
			})
		}
	}
}

// The bytes themselves, as a real master has accepted them.
func TestOfferConstraintsGolden(t *testing.T) {
	constraints := OfferConstraints{"test": {{{Attribute: "rack", Predicate: TextEquals, Value: "r1"}, {Pseudo: Hostname, Predicate: TextMatches, Value: "a.*"}}}}
	call := constraintCalls()[0]
	payload, err := call.Subscribe.Marshal()
	require.NoError(t, err)
	body, err := Protobuf.encode(call, constraints)
	require.NoError(t, err)
	require.Equal(t, "\x0a\x03\x0a\x01f\x10\x01"+ // Call.framework_id and type
		"\x1a"+string(rune(len(payload)+2+0x2d))+string(payload)+ // Call.subscribe
		"\x1a\x2d"+ // Subscribe.offer_constraints
		"\x0a\x2b\x0a\x04test\x12\x23"+ // an entry of role_constraints
		"\x0a\x21"+ // a group
		"\x0a\x10\x0a\x06\x12\x04rack\x12\x06\x1a\x04\x0a\x02r1"+
		"\x0a\x0d\x0a\x02\x08\x01\x12\x07\x2a\x05\x0a\x03a.*", string(body))
}

func TestOfferConstraintsOfOtherCalls(t *testing.T) {
	_, err := Protobuf.encode(&scheduler.Call{Type: scheduler.Call_REVIVE}, everyConstraint())
	require.ErrorContains(t, err, "only SUBSCRIBE and UPDATE_FRAMEWORK")
}

// FuzzOfferConstraints holds for any texts: what is encoded is what other decoders read, in both codecs, and the rest
// of the call is not touched. The text is names and values, one a line; the numbers say how they are put together.
func FuzzOfferConstraints(f *testing.F) {
	f.Add("test\nrack\nr[12]", []byte{0, 5})
	f.Add("*\n\n\na/b\n@zone\n\"é\"", []byte{3, 1, 7, 18, 2})
	f.Fuzz(func(t *testing.T, text string, numbers []byte) {
		if !utf8.ValidString(text) || len(numbers) > 100 {
			return // JSON cannot represent it
		}
		words := strings.Split(text, "\n")
		word := func(i int) string { return words[i%len(words)] }
		var constraints OfferConstraints
		for i, n := range numbers {
			a := AttributeConstraint{Pseudo: PseudoAttribute(n % 4), Predicate: Predicate(n/4%6) + Exists}
			if a.Pseudo == NoPseudo {
				a.Attribute = word(i + 1)
			}
			if a.Predicate.hasText() {
				a.Value = word(i + 2)
			}
			if constraints == nil {
				constraints = OfferConstraints{}
			}
			role := word(int(n / 128))
			constraints[role] = append(constraints[role], ConstraintGroup{a})
			if i%3 == 2 {
				constraints[role][0] = append(constraints[role][0], a)
			}
		}
		for _, codec := range []Codec{Protobuf, JSON} {
			for _, call := range constraintCalls() {
				body, err := codec.encode(call, constraints)
				require.NoError(t, err)
				require.Equal(t, constraints, decodedConstraints(t, codec, body))
			}
		}
	})
}

// JSON has no infinity; Mesos accepts the word. The call itself is not changed.
func TestInfinityAsJSON(t *testing.T) {
	limits := map[string]mesos.Value_Scalar{"cpus": {Value: math.Inf(1)}, "mem": {Value: 64}}
	all := map[string]mesos.Value_Scalar{"cpus": {Value: math.Inf(1)}, "mem": {Value: math.Inf(1)}}
	call := &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{Operations: []mesos.Offer_Operation{
		{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{{Name: "a"}, {Name: "b", Limits: limits}}}},
		{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: &mesos.Offer_Operation_LaunchGroup{
			TaskGroup: mesos.TaskGroupInfo{Tasks: []mesos.TaskInfo{{Name: "c", Limits: all}}},
		}},
	}}}
	before, err := call.Marshal()
	require.NoError(t, err)
	body, err := JSON.encode(call, nil)
	require.NoError(t, err)
	after, err := call.Marshal()
	require.NoError(t, err)
	require.Equal(t, len(before), len(after))

	var got struct {
		Accept struct {
			Operations []struct {
				Launch struct {
					TaskInfos []struct{ Limits json.RawMessage } `json:"task_infos"`
				}
				LaunchGroup struct {
					TaskGroup struct {
						Tasks []struct{ Limits json.RawMessage }
					} `json:"task_group"`
				} `json:"launch_group"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(body, &got))
	operations := got.Accept.Operations
	require.JSONEq(t, `{"cpus":{"value":"Infinity"},"mem":{"value":64}}`, string(operations[0].Launch.TaskInfos[1].Limits))
	require.JSONEq(t, `{"cpus":{"value":"Infinity"},"mem":{"value":"Infinity"}}`, string(operations[1].LaunchGroup.TaskGroup.Tasks[0].Limits))

	// Protobuf has infinity.
	var again scheduler.Call
	body, err = Protobuf.encode(call, nil)
	require.NoError(t, err)
	require.NoError(t, again.Unmarshal(body))
	require.Equal(t, limits, again.Accept.Operations[0].Launch.TaskInfos[1].Limits)
}

// Calls without constraints and infinity are not copied.
func TestCallsWithoutConstraintsCostNothing(t *testing.T) {
	call := constraintCalls()[1]
	plain := testing.AllocsPerRun(100, func() { _, _ = call.Marshal() })
	require.Equal(t, plain, testing.AllocsPerRun(100, func() { _, _ = Protobuf.encode(call, nil) }))
}
