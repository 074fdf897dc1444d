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
	// Argv is executed without a shell; Argv[0] is the program. In a container with an image all of
	// Argv are arguments of the image's entry point.
	Argv []string `json:"argv,omitzero"`
	// Env is added to the environment. Names must not be empty or contain "=". It overrides the
	// variables HOST and PORT… that package taskbuilder adds.
	Env map[string]string `json:"env,omitzero"`
	// Secrets are environment variables whose values the agent resolves. A name must not also be in Env.
	// Not for [ContainerizerDocker], which would leave them empty.
	Secrets map[string]Secret `json:"secrets,omitzero"`
	// URIs are fetched into the sandbox before the command starts.
	URIs []URI `json:"uris,omitzero"`
	// User is the user that runs the command. Default: the framework's user. For a Docker container this
	// user only owns the sandbox and fetches the URIs; the image or the parameter "user" decides who runs
	// the processes inside.
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
	Value      string `json:"value,omitzero"`      // the address to fetch from
	Extract    bool   `json:"extract,omitzero"`    // unpack an archive
	Executable bool   `json:"executable,omitzero"` // set the executable bit
	Cache      bool   `json:"cache,omitzero"`      // use the agent's fetcher cache
	OutputFile string `json:"outputFile,omitzero"` // path in the sandbox, relative and without "..". Default: the last part of Value
}

// Secret is either a reference to a secret, by Name, or the secret itself, as Value. Agents resolve
// references with a module (--secret_resolver); without one they support only values.
type Secret struct {
	// Name and Key are passed to the agent's resolver. Key may be empty.
	Name string `json:"name,omitzero"`
	Key  string `json:"key,omitzero"`
	// Value is sent to the master and written to the scheduler's store in plain text. Use a reference
	// to keep a secret out of both. In the environment it must not contain a zero byte.
	Value []byte `json:"value,omitzero"`
}

// String returns the reference, but never the value, which would end up in logs.
func (s Secret) String() string {
	if s.Value != nil {
		return fmt.Sprintf("secret of %d bytes", len(s.Value))
	}
	return fmt.Sprintf("secret %q, key %q", s.Name, s.Key)
}

// GoString returns the same as String, so that %#v does not print the value either.
func (s Secret) GoString() string { return s.String() }

func (s *Secret) clone() *Secret {
	if s = clone(s); s != nil {
		s.Value = bytes.Clone(s.Value)
	}
	return s
}
