package scheduler

import (
	"encoding/json"
	"errors"
)

// In JSON an error is the first line of its text, and a duration is one such as "1h30m0s". What was encoded can be decoded
// again; of an error only the text is left then. An interface such as error has no JSON of its own, so that types with
// such fields encode themselves, by way of a plain type that has no methods.

// withText returns the JSON of an object with another field, unless its text is "".
func withText(object []byte, name, text string) []byte {
	if text == "" {
		return object
	}
	value, _ := json.Marshal(text) // a text has always a form
	if len(object) > len("{}") {
		name = `,"` + name
	} else {
		name = `"` + name
	}
	object = append(object[:len(object)-1], name...)
	return append(append(append(object, `":`...), value...), '}')
}

// takeTexts removes fields from an object, decodes the rest of it, and returns their texts.
func takeTexts(object []byte, rest any, names ...string) ([]string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, err
	}
	texts := make([]string, len(names))
	for i, name := range names {
		if value, found := fields[name]; found {
			if err := json.Unmarshal(value, &texts[i]); err != nil {
				return nil, err
			}
			delete(fields, name)
		}
	}
	object, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return texts, json.Unmarshal(object, rest)
}

// errorText returns the text of an error in JSON, "" for none.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return firstLine(err)
}

// errorOf returns an error with a text, nil for "".
func errorOf(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// withError encodes an object, whose error is left out, with the error.
func withError(object any, err error) ([]byte, error) {
	encoded, failed := json.Marshal(object)
	if failed != nil {
		return nil, failed
	}
	return withText(encoded, "err", errorText(err)), nil
}

// takeError decodes an object with an error, and returns that.
func takeError(object []byte, rest any) (of, err error) {
	texts, err := takeTexts(object, rest, "err")
	if err != nil {
		return nil, err
	}
	return errorOf(texts[0]), nil
}

// UnmarshalJSON sets Err to that of the task.
func (e *TaskEvent) UnmarshalJSON(data []byte) error {
	type plain TaskEvent
	err := json.Unmarshal(data, (*plain)(e))
	e.Err = e.Task.Err
	return err
}

// MarshalJSON encodes Err as its text.
func (e ConnectionEvent) MarshalJSON() ([]byte, error) {
	type plain ConnectionEvent
	err := e.Err
	e.Err = nil
	return withError(plain(e), err)
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *ConnectionEvent) UnmarshalJSON(data []byte) (err error) {
	type plain ConnectionEvent
	e.Err, err = takeError(data, (*plain)(e))
	return err
}

// MarshalJSON encodes Err as its text.
func (e OfferEvent) MarshalJSON() ([]byte, error) {
	type plain OfferEvent
	err := e.Err
	e.Err = nil
	return withError(plain(e), err)
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *OfferEvent) UnmarshalJSON(data []byte) (err error) {
	type plain OfferEvent
	e.Err, err = takeError(data, (*plain)(e))
	return err
}

// MarshalJSON encodes Err as its text.
func (e InverseOfferEvent) MarshalJSON() ([]byte, error) {
	type plain InverseOfferEvent
	err := e.Err
	e.Err = nil
	return withError(plain(e), err)
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *InverseOfferEvent) UnmarshalJSON(data []byte) (err error) {
	type plain InverseOfferEvent
	e.Err, err = takeError(data, (*plain)(e))
	return err
}

// MarshalJSON encodes Err as its text.
func (e NeverOfferedEvent) MarshalJSON() ([]byte, error) {
	type plain NeverOfferedEvent
	err := e.Err
	e.Err = nil
	return withError(plain(e), err)
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *NeverOfferedEvent) UnmarshalJSON(data []byte) (err error) {
	type plain NeverOfferedEvent
	e.Err, err = takeError(data, (*plain)(e))
	return err
}

// MarshalJSON encodes Err as its text.
func (e StoreEvent) MarshalJSON() ([]byte, error) {
	type plain StoreEvent
	err := e.Err
	e.Err = nil
	return withError(plain(e), err)
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *StoreEvent) UnmarshalJSON(data []byte) (err error) {
	type plain StoreEvent
	e.Err, err = takeError(data, (*plain)(e))
	return err
}

// MarshalJSON encodes Err as its text.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	err := s.Err
	s.Err = nil
	return withError(plain(s), err)
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (s *Status) UnmarshalJSON(data []byte) (err error) {
	type plain Status
	s.Err, err = takeError(data, (*plain)(s))
	return err
}

// MarshalJSON encodes the errors as their texts.
func (e Explanation) MarshalJSON() ([]byte, error) {
	type plain Explanation
	without := plain(e)
	without.NeverOffered, without.SubscribeErr, without.StoreErr, without.MatcherErr = nil, nil, nil, nil
	encoded, err := json.Marshal(without)
	if err != nil {
		return nil, err
	}
	encoded = withText(encoded, "neverOffered", errorText(e.NeverOffered))
	encoded = withText(encoded, "subscribeErr", errorText(e.SubscribeErr))
	encoded = withText(encoded, "storeErr", errorText(e.StoreErr))
	return withText(encoded, "matcherErr", errorText(e.MatcherErr)), nil
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (e *Explanation) UnmarshalJSON(data []byte) error {
	type plain Explanation
	texts, err := takeTexts(data, (*plain)(e), "neverOffered", "subscribeErr", "storeErr", "matcherErr")
	if err != nil {
		return err
	}
	e.NeverOffered, e.SubscribeErr = errorOf(texts[0]), errorOf(texts[1])
	e.StoreErr, e.MatcherErr = errorOf(texts[2]), errorOf(texts[3])
	return nil
}
