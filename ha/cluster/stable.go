package cluster

import (
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
)

// patientStable is a raft.StableStore that does not return the error of a number that cannot be written, such as on a
// full disk: Raft would panic, and end the process. It tries again until it is written; meanwhile Raft's loop waits, so that
// this member neither votes nor leads.
type patientStable struct {
	raft.StableStore
	log *slog.Logger
	// closed is closed when the member ends and nothing that it says can leave it any more. What was not written by
	// then need not be: nobody was told.
	closed chan struct{}
}

// SetUint64 writes a number.
func (s *patientStable) SetUint64(key []byte, value uint64) error {
	for attempt := 0; ; attempt++ {
		err := s.StableStore.SetUint64(key, value)
		if err == nil {
			return nil
		}
		if attempt%60 == 0 {
			s.log.Error("The directory cannot be written, this member waits", "error", err)
		}
		select {
		case <-time.After(time.Second):
		case <-s.closed:
			return nil
		}
	}
}
