package task

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

func (v *violations) command(s Spec) {
	c, hasImage := s.Command, s.Container.RunBy() != ContainerizerMesos || s.Container != nil && s.Container.Image != ""
	v.run("Command", c.Shell, c.Argv, hasImage)
	v.text("Command.User", c.User)
	v.env("Command.Env", c.Env)
	v.secrets(s)
	for i, u := range c.URIs {
		field := fmt.Sprintf("Command.URIs[%d]", i)
		v.uri(field+".Value", u.Value)
		if u.Extract && u.Executable {
			v.add(field+".Extract", u.Value, "must not be set together with Executable: Mesos would not extract it")
		}
		v.text(field+".OutputFile", u.OutputFile)
		v.inSandbox(field+".OutputFile", u.OutputFile)
		if path.IsAbs(u.OutputFile) {
			v.add(field+".OutputFile", u.OutputFile, "must be relative to the sandbox")
		}
	}
}

// run checks a command line, of the task or of a check.
func (v *violations) run(field, shell string, argv []string, hasImage bool) {
	switch {
	case shell != "" && len(argv) > 0:
		v.add(field+".Shell", shell, "must not be set together with Argv")
	case shell == "" && len(argv) == 0 && !hasImage:
		v.add(field, "", "must have Shell or Argv, since there is no image")
	case len(argv) > 0 && argv[0] == "" && !hasImage:
		v.add(field+".Argv[0]", argv[0], "must name a program")
	}
	v.text(field+".Shell", shell)
	for i, arg := range argv {
		v.text(fmt.Sprintf("%s.Argv[%d]", field, i), arg)
	}
}

func (v *violations) env(field string, env map[string]string) {
	keys(v, field, env)
	for _, name := range sortedKeys(env) {
		v.envName(field, name)
		if strings.ContainsRune(env[name], 0) {
			v.add(field, name, "must not have a zero byte in its value")
		}
	}
}

func (v *violations) envName(field, name string) {
	if strings.ContainsAny(name, "=\x00") {
		v.add(field, name, "must not contain '=' or a zero byte in a name")
	}
}

func (v *violations) secrets(s Spec) {
	const field = "Command.Secrets"
	c := s.Command
	if len(c.Secrets) > 0 && s.Container.RunBy() != ContainerizerMesos {
		v.add(field, len(c.Secrets), "must be empty: the docker containerizer would leave the variables empty")
	}
	keys(v, field, c.Secrets)
	for _, name := range sortedKeys(c.Secrets) {
		v.envName(field, name)
		v.secret(fmt.Sprintf("%s[%q]", field, name), c.Secrets[name])
		if bytes.IndexByte(c.Secrets[name].Value, 0) >= 0 {
			v.add(field, name, "must not have a zero byte in its value")
		}
		if _, found := c.Env[name]; found {
			v.add(field, name, "must not be in Env, too")
		}
	}
}

// secret never puts the secret's value into a violation, since violations end up in logs.
func (v *violations) secret(field string, s Secret) {
	switch {
	case s.Value == nil && s.Name == "":
		v.add(field, s.Key, "must have a Name or a Value")
	case s.Value != nil && (s.Name != "" || s.Key != ""):
		v.add(field, s.Name, "must not have both a Value and a reference")
	}
}

// uri refuses URIs that the fetcher of any agent refuses.
func (v *violations) uri(field, uri string) {
	_, address, remote := strings.Cut(uri, "://")
	_, path, _ := strings.Cut(address, "/")
	switch {
	case uri == "":
		v.add(field, uri, "must not be empty")
	case strings.ContainsAny(uri, "\\'\x00"):
		v.add(field, uri, "must not contain backslashes, single quotes or zero bytes")
	case remote && path == "":
		v.add(field, uri, "must have a path after the host")
	}
}
