package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// secureMaster runs a master over TLS, which asks everybody who they are. It returns its URL, a file with its
// authority, and what becomes of the roles of the last framework.
func secureMaster(t *testing.T, config mesostest.Config) (url, authority string, roles func() []string) {
	t.Helper()
	server := httptest.NewTLSServer(nil) // for its certificate
	certificate := server.TLS.Certificates[0]
	server.Close()
	master, err := mesostest.New(config)
	require.NoError(t, err)
	var mu sync.Mutex
	var last []string
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- master.Run(ctx, tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	}()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	master.Observe(func(h mesostest.Handled) {
		if h.Call.Type == scheduler.Call_SUBSCRIBE {
			mu.Lock()
			defer mu.Unlock()
			last = h.Call.Subscribe.FrameworkInfo.Roles
		}
	})
	authority = file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})))
	return fmt.Sprintf("https://%s", listener.Addr()), authority, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}

// file returns the name of a file with a content.
func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

// A master that speaks TLS and asks for a credential or a token is reached with files that have them, and not without.
func TestSecureMaster(t *testing.T) {
	for name, row := range map[string]struct {
		config  mesostest.Config
		flag    string
		secret  string
		wrong   string
		refused string
	}{
		"credential": {mesostest.Config{Credentials: map[string]string{"shop": "s3cret"}}, "--credential", "shop s3cret\n", "shop wrong", "401"},
		"as JSON":    {mesostest.Config{Credentials: map[string]string{"shop": "s3cret"}}, "--credential", `{"principal": "shop", "secret": "s3cret"}`, "{}", "must not be empty"},
		"token":      {mesostest.Config{Tokens: map[string]string{"t0ken": "shop"}}, "--master-token", "t0ken\n", "wrong", "401"},
	} {
		t.Run(name, func(t *testing.T) {
			row.config.Agents = make([]mesostest.Agent, 1)
			url, authority, roles := secureMaster(t, row.config)
			all := []string{"--master", url, "--hold", "0s", "--timeout", "10s", "--log", "json"}
			perform := func(args ...string) error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				return perform(ctx, append(all, args...))
			}
			require.NoError(t, perform("--ca", authority, row.flag, file(t, row.secret), "--role", "a, b"))
			require.Equal(t, []string{"a", "b"}, roles())
			require.ErrorContains(t, perform("--ca", authority, row.flag, file(t, row.wrong)), row.refused)
			if name == "token" { // once is enough, since the program tries until its time is over
				require.ErrorContains(t, perform("--timeout", "5s", row.flag, file(t, row.secret)), "certificate")
			}
		})
	}
}

// A secret that is given in place of the name of its file, or a password in an address that is wrong, is not printed.
func TestSecretsAreNotPrinted(t *testing.T) {
	for _, args := range [][]string{
		{"--master-token", "s3cret"}, {"--credential", "me s3cret"}, {"--master", "zk://me:s3cret@host:x/mesos"}, {"--master", "http://me:s3cret@host"},
		{"ha", "--master-token", "s3cret"}, {"ha", "--zk", "zk://me:s3cret@host"}, {"ha", "--zk", "host?s3cret"},
	} {
		err := perform(t.Context(), args)
		require.Error(t, err, "%q", args)
		require.NotContains(t, err.Error(), "s3cret")
	}
}
