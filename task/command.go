package task

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// Command is the process to run. Shell and Argv exclude each other.
type Command struct {
	// Shell is run by /bin/sh -c.
	Shell string `json:"shell,omitzero"`
	// Argv is executed without a shell; Argv[0] is the program (for a container with an image: an
	// argument of its entry point).
	Argv []string `json:"argv,omitzero"`
	// Env is added to the environment. Names must not be empty or contain "=". It goes before the
	// variables about ports that package taskbuilder adds.
	Env map[string]string `json:"env,omitzero"`
	// Secrets are added to the environment as well, by the agent. A name must not be in Env, too.
	// Not for [Docker], which would leave them empty.
	Secrets map[string]Secret `json:"secrets,omitzero"`
	// URIs are fetched into the sandbox before the command starts.
	URIs []URI `json:"uris,omitzero"`
	// User runs the command. Default: the framework's user. For a Docker container it owns the
	// sandbox and fetches the URIs; who runs inside is up to the image or the parameter "user".
	User string `json:"user,omitzero"`
}

func (c Command) clone() Command {
	c.Argv = slices.Clone(c.Argv)
	c.Env = maps.Clone(c.Env)
	c.Secrets = maps.Clone(c.Secrets)
	for name, s := range c.Secrets {
		c.Secrets[name] = *s.clone()
	}
	c.URIs = slices.Clone(c.URIs)
	return c
}

// URI is a file that Mesos fetches before the command starts. Extract and Executable exclude each
// other.
type URI struct {
	Value      string `json:"value,omitzero"`      // where from
	Extract    bool   `json:"extract,omitzero"`    // unpack archives
	Executable bool   `json:"executable,omitzero"` // set the executable bit
	Cache      bool   `json:"cache,omitzero"`      // use the agent's fetcher cache
	OutputFile string `json:"outputFile,omitzero"` // path in the sandbox, relative and without "..". Default: the last part of Value
}

// Secret is a reference to a secret, by Name, or the secret itself, as Value. Agents resolve
// references with a module (--secret_resolver); without one they know values only.
type Secret struct {
	// Name and Key are what the agent's resolver takes. Key may be empty.
	Name string `json:"name,omitzero"`
	Key  string `json:"key,omitzero"`
	// Value is sent to the master and kept in a scheduler's store as it is; only a reference keeps
	// the secret from them. In the environment it must not contain a zero byte.
	Value []byte `json:"value,omitzero"`
}

// String shows the reference but never the value, which would end up in logs.
func (s Secret) String() string {
	if s.Value != nil {
		return fmt.Sprintf("secret of %d bytes", len(s.Value))
	}
	return fmt.Sprintf("secret %q, key %q", s.Name, s.Key)
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

func (s *Secret) clone() *Secret {
	if s = clone(s); s != nil {
		s.Value = bytes.Clone(s.Value)
	}
	return s
}
