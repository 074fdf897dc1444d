package scheduler

import (
	"encoding/json"
	"errors"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// In JSON an error is the first line of its text, and a duration is one such as "1h30m0s". What was encoded can be decoded
// again; of an error only the text is left then. Package encoding/json cannot decode into an interface such as error. So
// types with such fields are encoded and decoded by way of a struct that has, beside the fields of the type, a field with
// the same name that hides the original.

// errorField stands for a field that has an error.
type errorField struct{ err *error }

// IsZero reports whether the field is left out.
func (f errorField) IsZero() bool { return errorText(*f.err) == "" }

// MarshalText returns the text of the error.
func (f errorField) MarshalText() ([]byte, error) { return []byte(errorText(*f.err)), nil }

// UnmarshalText sets the field to an error with this text.
func (f errorField) UnmarshalText(text []byte) error {
	*f.err = nil
	if len(text) > 0 {
		*f.err = errors.New(string(text))
	}
	return nil
}

// errorText returns the text of an error in JSON, "" for none.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return printable.Line(err.Error())
}

// UnmarshalJSON sets Err to that of the task.
func (e *TaskEvent) UnmarshalJSON(data []byte) error {
	type plain TaskEvent
	err := json.Unmarshal(data, (*plain)(e))
	e.Err = e.Task.Err
	return err
}

func (e *ConnectionEvent) inJSON() any {
	type plain ConnectionEvent
	return &struct {
		*plain
		Err errorField `json:"err,omitzero"`
	}{(*plain)(e), errorField{&e.Err}}
}

// MarshalJSON encodes Err as its text.
func (e ConnectionEvent) MarshalJSON() ([]byte, error) { return json.Marshal(e.inJSON()) }

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *ConnectionEvent) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, e.inJSON()) }

func (e *OfferEvent) inJSON() any {
	type plain OfferEvent
	return &struct {
		*plain
		Err errorField `json:"err,omitzero"`
	}{(*plain)(e), errorField{&e.Err}}
}

// MarshalJSON encodes Err as its text.
func (e OfferEvent) MarshalJSON() ([]byte, error) { return json.Marshal(e.inJSON()) }

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *OfferEvent) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, e.inJSON()) }

func (e *InverseOfferEvent) inJSON() any {
	type plain InverseOfferEvent
	return &struct {
		*plain
		Err errorField `json:"err,omitzero"`
	}{(*plain)(e), errorField{&e.Err}}
}

// MarshalJSON encodes Err as its text.
func (e InverseOfferEvent) MarshalJSON() ([]byte, error) { return json.Marshal(e.inJSON()) }

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *InverseOfferEvent) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, e.inJSON()) }

func (e *NeverOfferedEvent) inJSON() any {
	type plain NeverOfferedEvent
	return &struct {
		*plain
		Err errorField `json:"err,omitzero"`
	}{(*plain)(e), errorField{&e.Err}}
}

// MarshalJSON encodes Err as its text.
func (e NeverOfferedEvent) MarshalJSON() ([]byte, error) { return json.Marshal(e.inJSON()) }

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *NeverOfferedEvent) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, e.inJSON()) }

func (e *StoreEvent) inJSON() any {
	type plain StoreEvent
	return &struct {
		*plain
		Err errorField `json:"err,omitzero"`
	}{(*plain)(e), errorField{&e.Err}}
}

// MarshalJSON encodes Err as its text.
func (e StoreEvent) MarshalJSON() ([]byte, error) { return json.Marshal(e.inJSON()) }

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *StoreEvent) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, e.inJSON()) }

func (s *Status) inJSON() any {
	type plain Status
	return &struct {
		*plain
		Err      errorField `json:"err,omitzero"`
		StoreErr errorField `json:"storeErr,omitzero"`
	}{(*plain)(s), errorField{&s.Err}, errorField{&s.StoreErr}}
}

// MarshalJSON encodes Err as its text.
func (s Status) MarshalJSON() ([]byte, error) { return json.Marshal(s.inJSON()) }

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (s *Status) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, s.inJSON()) }

func (e *Explanation) inJSON() any {
	type plain Explanation
	return &struct {
		*plain
		NeverOffered errorField `json:"neverOffered,omitzero"`
		SubscribeErr errorField `json:"subscribeErr,omitzero"`
		StoreErr     errorField `json:"storeErr,omitzero"`
		MatcherErr   errorField `json:"matcherErr,omitzero"`
	}{(*plain)(e), errorField{&e.NeverOffered}, errorField{&e.SubscribeErr}, errorField{&e.StoreErr}, errorField{&e.MatcherErr}}
}

// MarshalJSON encodes the errors as their texts.
func (e Explanation) MarshalJSON() ([]byte, error) { return json.Marshal(e.inJSON()) }

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *Explanation) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, e.inJSON()) }
