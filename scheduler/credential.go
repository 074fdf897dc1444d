package scheduler

import (
	"fmt"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/internal/detector"
)

// String returns the name of the framework and Master without its password.
func (c Config) String() string {
	return fmt.Sprintf("framework %q at %s", c.Framework.Name, detector.Redact(c.Master))
}

// Format prints the same as String with every verb, so that no secret is logged. Package fmt does not call it for a Config in
// a field that is not exported.
func (c Config) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }

// LogValue returns the same as String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Credential is a principal and its secret. The framework's Principal, if set, must be the same.
type Credential struct {
	Principal string // not empty, without colon
	Secret    string `json:"-" xml:"-"`
}

// String returns the principal, so that the secret is not logged.
func (c Credential) String() string { return "Credential of " + c.Principal }

// Format prints the same as String with every verb, so that the secret is not logged.
func (c Credential) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }
