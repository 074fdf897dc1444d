package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// access is which master the framework uses, and as whom. Secrets are in files, since everybody sees a command line.
type access struct {
	master, roles, ca, credential, token string
}

func (a *access) flags(f *flag.FlagSet, master, about string) {
	f.StringVar(&a.master, "master", master, about)
	f.StringVar(&a.roles, "role", "*", "role of the framework; several with commas between")
	f.StringVar(&a.ca, "ca", "", "PEM file with the certificate authorities of masters that speak https (default: those of the system)")
	f.StringVar(&a.credential, "credential", "", "file with a principal and its secret, with a space between, as Mesos takes it")
	f.StringVar(&a.token, "token", "", "file with a bearer token; it is read again when the token has expired")
}

// apply puts what the flags say into the config.
func (a *access) apply(c *scheduler.Config) error {
	c.Master = a.master
	for role := range strings.SplitSeq(a.roles, ",") {
		c.Framework.Roles = append(c.Framework.Roles, strings.TrimSpace(role))
	}
	if a.ca != "" {
		authorities, err := os.ReadFile(a.ca)
		if err != nil {
			return fmt.Errorf("-ca: %w", err)
		}
		c.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		if !c.TLS.RootCAs.AppendCertsFromPEM(authorities) {
			return fmt.Errorf("-ca: %s has no certificate in PEM", a.ca)
		}
	}
	if a.credential != "" {
		text, err := os.ReadFile(a.credential)
		if err != nil {
			return fmt.Errorf("-credential: %w", err)
		}
		fields := strings.Fields(string(text))
		if len(fields) != 2 {
			return fmt.Errorf("-credential: %s has %d words in place of a principal and a secret", a.credential, len(fields))
		}
		c.Credential = &scheduler.Credential{Principal: fields[0], Secret: fields[1]}
		c.Framework.Principal = fields[0]
	}
	if a.token != "" {
		if _, err := a.readToken(context.Background()); err != nil {
			return err
		}
		c.Token = a.readToken
	}
	return nil
}

func (a *access) readToken(context.Context) (string, error) {
	text, err := os.ReadFile(a.token)
	if err != nil {
		return "", fmt.Errorf("-token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
