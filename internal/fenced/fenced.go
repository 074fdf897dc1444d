// Package fenced tells the errors of stores that say that another process leads.
//
// It knows the method by which they say so, and neither stores nor elections. It has no goroutine.
package fenced

import "slices"

// Is reports whether an error, or one that it wraps, has a method Fenced that returns true. (errors.As would only find the first error
// that has the method: of several that are joined, another one may return true.)
func Is(err error) (is bool) {
	defer func() {
		if recover() != nil { // the methods are user code
			is = false
		}
	}()
	if e, able := any(err).(interface{ Fenced() bool }); able && e.Fenced() {
		return true
	}
	switch e := any(err).(type) {
	case interface{ Unwrap() error }:
		return Is(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), Is)
	}
	return false
}
