package record

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// UUIDs holds the uuids of a task's last updates, the latest first. An agent repeats an update until it
// is acknowledged, and only then sends the next one, so that an older one can only be repeated by a connection
// that lags. Of the 122 random bits of a uuid 64 are kept: that two of four are equal is not to be expected.
type UUIDs [4]uint64

// Seen reports whether a uuid is among them, and adds it if it is not. An empty one is never among them.
func (u *UUIDs) Seen(uuid []byte) bool {
	if len(uuid) == 0 {
		return false
	}
	folded := fold(uuid)
	if slices.Contains(u[:], folded) {
		return true
	}
	copy(u[1:], u[:])
	u[0] = folded
	return false
}

// fold returns 64 bits of a uuid, never 0.
func fold(uuid []byte) uint64 {
	var whole [16]byte
	copy(whole[:], uuid)
	first, second := binary.BigEndian.Uint64(whole[:8]), binary.BigEndian.Uint64(whole[8:])
	return max(1, first^bits.RotateLeft64(second, 1)) // rotated, since two equal halves would cancel out
}
