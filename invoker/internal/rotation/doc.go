// Package rotation reads streams whose files are rotated while they are written.
//
// It promises:
//   - the offsets in a stream go on over a rotation: after the rest of the file before, which now has ".1" behind its name, comes the
//     next one from its beginning;
//   - a rotation is noticed if the file is shorter than before, or the bytes before those that are read are not those that were read
//     there;
//   - what was not read before it was rotated away is told, by an invoker.OutputGoneError; nothing is returned under two offsets.
//
// It does not look for files that were rotated twice. A file that is not shorter than the one before, and has the same 64 bytes at
// the same place, is taken for that one; so is one at the first read, and at one that begins behind what was read.
//
// It has no goroutines.
package rotation
