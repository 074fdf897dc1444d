package record

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// UUIDs remembers the uuids of a task's last updates, the latest first. An agent sends an update until it
// is acknowledged, and only then the next one, so that an older one can come again only from a connection
// that lags. Of the 122 random bits of a uuid 64 are kept: two alike among four are not to be expected.
type UUIDs [4]uint64

// Seen reports whether a uuid is among them, and puts it there. An empty one never is.
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

// fold makes 64 bits of a uuid, never 0.
func fold(uuid []byte) uint64 {
	var whole [16]byte
	copy(whole[:], uuid)
	first, second := binary.BigEndian.Uint64(whole[:8]), binary.BigEndian.Uint64(whole[8:])
	return max(1, first^bits.RotateLeft64(second, 1)) // rotated: two equal halves would be nothing
}
