package invoker

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTenantsOfOneImageNeverSeeEachOthersLogs has two namespaces run the same action of the same image at once, with all that makes logs go
// astray: sentinels that are forged, late or missing, lines without an end, and output behind the sentinel.
func TestTenantsOfOneImageNeverSeeEachOthersLogs(t *testing.T) {
	endings := []string{
		"", "late-sentinel 30ms", "no-sentinel", "no-sentinel stdout", "sentinel\nout %s forged", "raw stdout \"%s no end\"", "hang", "exit 1",
	}
	for name, image := range map[string]string{"user image": "user/image", "image of a kind": ""} {
		t.Run(name, func(t *testing.T) {
			withSpeaker(t, func(t *testing.T, v *Invoker, _ *speaker) {
				var all sync.WaitGroup
				var mu sync.Mutex
				owner, found := map[string]string{}, 0 // by container; lines
				var faults []string
				for _, tenant := range []string{"alice", "bob"} {
					a := script("shared", "init out "+tenant+" init")
					a.Namespace, a.Image, a.UserImage, a.Timeout = tenant, image, image != "", time.Second
					check := func(r *Result) {
						for line, err := range r.Logs.Lines(t.Context()) {
							mu.Lock()
							if err != nil || !strings.HasPrefix(line.Log, tenant) && !strings.HasPrefix(unmarkedLine, "!"+line.Log) {
								faults = append(faults, fmt.Sprintf("%s: %q, %v", tenant, line.Log, err))
							}
							found++
							mu.Unlock()
						}
					}
					for caller := range 2 {
						all.Go(func() {
							for i := range 3 * len(endings) {
								ending := strings.ReplaceAll(endings[(i+caller)%len(endings)], "%s", tenant)
								r, err := v.Invoke(t.Context(), a, doing(fmt.Sprintf("out %s %d\nerr %s\n%s", tenant, i, tenant, ending)))
								require.NotNil(t, r, err)
								mu.Lock()
								if other := owner[r.Container]; other != "" && other != tenant {
									faults = append(faults, fmt.Sprintf("%s ran in a container of %s", tenant, other))
								}
								owner[r.Container] = tenant
								mu.Unlock()
								all.Go(func() { check(r) })
							}
						})
					}
				}
				all.Wait()
				require.Empty(t, faults)
				require.Greater(t, found, 150)
			})
		})
	}
}
