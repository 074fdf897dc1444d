package mesosid_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesosid"
)

func TestFault(t *testing.T) {
	for _, id := range []string{"a", "...", "a.b c", "7811ecd5-9ed5-4dfa-bd54-e1c20ec60199-0000", "é\u0085", strings.Repeat("x", 255)} {
		require.Empty(t, mesosid.Fault(id), "%q", id)
	}
	for id, fault := range map[string]string{
		"":                       "empty",
		".":                      "special directory",
		"..":                     "special directory",
		"../x":                   "slashes",
		`a\b`:                    "slashes",
		"a\nb":                   "control characters",
		"a\x7f":                  "control characters",
		"a\xff":                  "UTF-8",
		strings.Repeat("x", 256): "not be longer than 255 bytes, has 256",
	} {
		require.Contains(t, mesosid.Fault(id), fault, "%q", id)
	}
}
