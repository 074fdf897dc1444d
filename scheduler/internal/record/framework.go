package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// FrameworkState is how far a framework has come.
type FrameworkState int

// The states of a framework.
const (
	NoFramework FrameworkState = iota // there is no record
	Registering                       // the first SUBSCRIBE may have been sent; the master's answer is not on record
	Active                            // it has an ID
	Removed                           // the master has removed it; its ID can never be used again
	TornDown                          // it was ended on purpose
)

// String returns the name under which a state is stored.
func (s FrameworkState) String() string {
	switch s {
	case NoFramework:
		return "none"
	case Registering:
		return "registering"
	case Active:
		return "active"
	case Removed:
		return "removed"
	case TornDown:
		return "torn down"
	}
	return fmt.Sprintf("FrameworkState(%d)", int(s))
}

func parseFrameworkState(text string) (FrameworkState, error) {
	for s := Registering; s <= TornDown; s++ {
		if s.String() == text {
			return s, nil
		}
	}
	return NoFramework, fmt.Errorf("unknown state %q", text)
}

// Framework is what is stored of a framework.
type Framework struct {
	State FrameworkState
	ID    string // "" in the states NoFramework and Registering
	// Nonce identifies the first registration. A framework that the master knows and of which nobody has stored the ID
	// has it as a label. "" in the records of versions 1 and 2.
	Nonce string
	// Fingerprint is what the framework that wrote the record says of itself. Zero in versions 1 and 2.
	Fingerprint Fingerprint
	// Term is the term of leadership in which the record was written; 0: there was no election.
	Term uint64
}

// Fingerprint distinguishes a framework from others.
type Fingerprint struct {
	Name      string   `json:"name,omitzero"`
	User      string   `json:"user,omitzero"`
	Principal string   `json:"principal,omitzero"`
	Roles     []string `json:"roles,omitempty"`
	Master    string   `json:"master,omitzero"` // how the master is found, without secrets
}

// Equal reports whether two frameworks have the same record.
func (f Framework) Equal(other Framework) bool {
	return f.State == other.State && f.ID == other.ID && f.Nonce == other.Nonce && f.Term == other.Term && f.Fingerprint.Equal(other.Fingerprint)
}

// Equal reports whether two fingerprints are the same.
func (f Fingerprint) Equal(other Fingerprint) bool {
	return f.Name == other.Name && f.User == other.User && f.Principal == other.Principal && f.Master == other.Master &&
		slices.Equal(f.Roles, other.Roles)
}

// frameworkVersion is the version of the framework's record. Versions 1 and 2 have the ID only.
const frameworkVersion = 3

// storedFramework is the record of a framework.
type storedFramework struct {
	Version     int         `json:"version"`
	ID          string      `json:"id,omitzero"`
	State       string      `json:"state,omitzero"`
	Nonce       string      `json:"nonce,omitzero"`
	Fingerprint Fingerprint `json:"fingerprint,omitzero"`
	Term        uint64      `json:"term,omitzero"`
}

// EncodeFramework returns the record of a framework.
func EncodeFramework(f Framework) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, &Error{Key: FrameworkKey, Err: err}
	}
	return encode(FrameworkKey, storedFramework{
		Version: frameworkVersion, ID: f.ID, State: f.State.String(), Nonce: f.Nonce, Fingerprint: f.Fingerprint, Term: f.Term,
	})
}

var (
	errNoFrameworkID = errors.New("the framework has no ID")
	errNoNonce       = errors.New("the framework has no nonce")
)

// check returns what a record lacks.
func (f Framework) check() error {
	switch {
	case f.State < Registering || f.State > TornDown:
		return fmt.Errorf("a framework in state %v has no record", f.State)
	case f.State == Registering && f.ID != "":
		return fmt.Errorf("the framework is registering, and has the ID %q", f.ID)
	case f.State == Registering && f.Nonce == "":
		return errNoNonce
	case f.State != Registering && f.ID == "":
		return errNoFrameworkID
	}
	return nil
}

func decodeFramework(value []byte) (Framework, error) {
	var s storedFramework
	err := checkVersion(json.Unmarshal(value, &s), s.Version, firstVersion, frameworkVersion)
	f := Framework{State: Active, ID: s.ID}
	if err == nil && s.Version >= 3 {
		f = Framework{ID: s.ID, Nonce: s.Nonce, Fingerprint: s.Fingerprint, Term: s.Term}
		f.State, err = parseFrameworkState(s.State)
		if len(f.Fingerprint.Roles) == 0 {
			f.Fingerprint.Roles = nil // an empty list is stored as none
		}
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return Framework{}, &Error{Key: FrameworkKey, Err: err}
	}
	return f, nil
}
