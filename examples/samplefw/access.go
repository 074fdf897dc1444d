package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// access is which master the framework uses, and as whom. Secrets are in files, since everybody sees a command line; those of
// a zk:// address can be in the environment.
type access struct {
	master, roles, user, ca, credential, token, trusted string
}

func (a *access) flags(cmd *cobra.Command, master, about string) {
	grouped(cmd, "Mesos", func(f *pflag.FlagSet) {
		f.StringVar(&a.master, "master", master, about+" (with a password rather in the environment, as SAMPLEFW_MASTER, since everybody sees a command line)")
		f.StringVar(&a.roles, "role", "*", "role of the framework; several with commas between")
		f.StringVar(&a.user, "user", "", "`USER` who runs tasks, on agents that switch users (default: that of this process)")
		f.StringVar(&a.ca, "ca", "", "PEM `FILE` with the certificate authorities of masters that speak https (default: those of the system)")
		f.StringVar(&a.credential, "credential", "", "`FILE` with a principal and its secret, as Mesos takes it: with a space between, or JSON")
		f.StringVar(&a.token, "master-token", "", "`FILE` with a bearer token for the masters; it is read again when the token has expired")
		f.StringVar(&a.trusted, "trusted-hosts", "", "hosts of masters that may get the credential or token, with commas between: names, "+
			"addresses, *.example.com, 10.0.0.0/8, or * (default: with http those of --master; required with zk:// and without --ca)")
	})
}

// apply puts what the flags say into the config.
func (a *access) apply(c *scheduler.Config) error {
	c.Master, c.Framework.User = a.master, a.user
	for role := range strings.SplitSeq(a.roles, ",") {
		c.Framework.Roles = append(c.Framework.Roles, strings.TrimSpace(role))
	}
	if a.trusted != "" {
		for host := range strings.SplitSeq(a.trusted, ",") {
			c.TrustedHosts = append(c.TrustedHosts, strings.TrimSpace(host))
		}
	}
	if a.ca != "" {
		authorities, err := os.ReadFile(a.ca)
		if err != nil {
			return fmt.Errorf("--ca: %w", err)
		}
		c.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		if !c.TLS.RootCAs.AppendCertsFromPEM(authorities) {
			return fmt.Errorf("--ca: %s has no certificate in PEM", a.ca)
		}
	}
	if a.credential != "" {
		text, err := os.ReadFile(a.credential)
		if err != nil {
			return unread("--credential", err)
		}
		if c.Credential, err = parseCredential(text); err != nil {
			return fmt.Errorf("--credential: %s %w", a.credential, err)
		}
		c.Framework.Principal = c.Credential.Principal
	}
	if a.token != "" {
		if _, err := a.readToken(context.Background()); err != nil {
			return err
		}
		c.Token = a.readToken
	}
	return nil
}

// parseCredential reads a credential in either form that Mesos takes: JSON, or two words.
func parseCredential(text []byte) (*scheduler.Credential, error) {
	var c struct{ Principal, Secret string }
	if err := json.Unmarshal(text, &c); err != nil {
		words := strings.Fields(string(text))
		if len(words) != 2 {
			return nil, fmt.Errorf("has %d words in place of a principal and a secret", len(words))
		}
		c.Principal, c.Secret = words[0], words[1]
	}
	return &scheduler.Credential{Principal: c.Principal, Secret: c.Secret}, nil
}

// unread is the error of a file with a secret. It does not have the name, which may be the secret itself, given by mistake.
func unread(flag string, err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		err = file.Err
	}
	return fmt.Errorf("%s: the file cannot be read: %w", flag, err)
}

func (a *access) readToken(context.Context) (string, error) {
	text, err := os.ReadFile(a.token)
	if err != nil {
		return "", unread("--master-token", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("--master-token: %s is empty", a.token)
	}
	return token, nil
}
