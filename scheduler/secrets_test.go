package scheduler_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/ha/zookeeper"
	"github.com/mesos-actor/mesos-actor-go/internal/detector"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// canary is in the place of every secret. As a key of AES it has 16 bytes.
const canary = "canary-0123456-x"

// secretKey is a private key, and its number in the form that fmt prints.
func secretKey(t *testing.T) (*tls.Config, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{PrivateKey: key}}}, key.D.String() //nolint:staticcheck // to look for
}

// printed returns all that programs print of a value, in the usual ways.
func printed(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "t"} {
		fmt.Fprintf(&b, "%"+verb+"\n", v)
	}
	fmt.Fprintln(&b, v)
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("config", "config", v, slog.Group("in", "a", v))
		slog.New(h).With("config", v).WithGroup("g").Info("config")
	}
	if text, err := json.Marshal(v); err != nil {
		fmt.Fprintln(&b, err)
	} else {
		b.Write(text)
	}
	return b.String()
}

// inside returns a value, and values that have it inside.
func inside[T any](v *T) []any {
	return []any{
		*v, v, []T{*v}, []*T{v}, map[string]T{"a": *v}, map[string]*T{"a": v}, [1]T{*v},
		struct{ Config T }{*v}, struct{ Config *T }{v}, &struct{ Config any }{*v}, struct{ Config any }{v}, struct{ In struct{ Config T } }{struct{ Config T }{*v}},
	}
}

// found returns which of the secrets a text has, "" for none.
func found(text string, secrets ...string) string {
	for _, s := range secrets {
		for _, form := range []string{s, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), fmt.Sprint([]byte(s)), strings.Trim(fmt.Sprintf("%#v", []byte(s)), "[]byte{}")} {
			if strings.Contains(text, form) {
				return form
			}
		}
	}
	return ""
}

func TestSecretsAreNotPrinted(t *testing.T) {
	withKey, number := secretKey(t)
	token := func(context.Context) (string, error) { return canary, nil }
	values := map[string][]any{
		"scheduler.Config": inside(&scheduler.Config{
			Master: "zk://user:" + canary + "@host:2181/mesos", Framework: scheduler.Framework{Name: "f"}, TLS: withKey, Token: token,
			Credential: &scheduler.Credential{Principal: "p", Secret: canary}, Logger: slog.Default(),
		}),
		"scheduler.Config of http": inside(&scheduler.Config{Master: "http://user:" + canary + "@host:5050"}),
		"scheduler.Config of many": inside(&scheduler.Config{Master: "a:5050,https://user:" + canary + "@host:5050,b:5050"}),
		"scheduler.Credential":     inside(&scheduler.Credential{Principal: "p", Secret: canary}),
		"zookeeper.Config":         inside(&zookeeper.Config{Address: "zk://user:" + canary + "@host:2181/a"}),
		"zookeeper.Config, wrong":  inside(&zookeeper.Config{Address: "http://user:" + canary + "@host:2181/a"}),
		"cluster.Config":           inside(&cluster.Config{Name: "c", Keys: [][]byte{[]byte(canary)}, TLS: withKey}),
		"detector.Config":          inside(&detector.Config{Master: "zk://user:" + canary + "@host:2181/mesos"}),
		"mesoshttp.Config": inside(&mesoshttp.Config{
			Credential: &mesoshttp.Credential{Principal: "p", Secret: canary}, TLS: withKey, Tokens: mesoshttp.NewTokenSource(token),
		}),
		"mesoshttp.Credential": inside(&mesoshttp.Credential{Principal: "p", Secret: canary}),
	}
	s, err := scheduler.New(scheduler.Config{
		Master: "zk://user:" + canary + "@host:2181/mesos", Framework: scheduler.Framework{Name: "f", Principal: "p"}, TLS: withKey,
		Credential: &scheduler.Credential{Principal: "p", Secret: canary},
	})
	require.NoError(t, err)
	elector, err := zookeeper.New(zookeeper.Config{Address: "zk://user:" + canary + "@host:2181/a"})
	require.NoError(t, err)
	member, err := cluster.New(cluster.Config{Name: "c", Dir: t.TempDir(), Preset: cluster.PresetLocal, Keys: [][]byte{[]byte(canary)}})
	require.NoError(t, err)
	d, err := detector.New(detector.Config{Master: "zk://user:" + canary + "@host:2181/mesos"})
	require.NoError(t, err)
	values["made of them"] = []any{s, elector, member, d, struct{ A any }{s}, struct{ A any }{elector}, struct{ A any }{member}, struct{ A any }{d}}
	for name, all := range values {
		for i, v := range all {
			require.Empty(t, found(printed(v), canary, number), "%s, %d: %T", name, i, v)
		}
	}
}

// Errors say what is wrong with an address without its password, however it is mistyped.
func TestSecretsAreNotInErrors(t *testing.T) {
	for _, address := range []string{
		"zk://user:SECRET@host:2181", "zk://user:SECRET@host:x/a", "zk://user:SECRET@", "zk://user:SECRET@/a", "zk://:SECRET@host/a", "zk://user:a/SECRET@host/b",
		"zk://user:SECRET@host,h:2181/a,b", "zk://user:SECRET@host:2181/a@b", "zk:/user:SECRET@host/a", "zookeeper://user:SECRET@host/a", "ZK://user:SECRET@host/a",
		"http://user:SECRET@host:5050", "https://user:SECRET@host", "a,http://user:SECRET@host", "user:SECRET@host", "http://user:SECRET@host:99999/x?y#z",
		" zk://user:SECRET@host:x/a", "http://user:SECRET@host\n", "zk://user:SECRET@host/zookeeper/a", "zk://user:SECRET@host:1,host:1/a", "http://SECRET@host",
		"http://host?token=SECRET", "http://host/x#SECRET", "zk://user:a?b@host/a?token=SECRET", "a,http://user:b@host?SECRET",
	} {
		address = strings.ReplaceAll(address, "SECRET", canary)
		_, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "f"}})
		if err != nil { // some are right for masters
			require.Empty(t, found(err.Error()+printed(err), canary), "%q", address)
		}
		_, err = zookeeper.New(zookeeper.Config{Address: address})
		if err != nil {
			require.Empty(t, found(err.Error()+printed(err), canary), "%q", address)
		}
	}
	for _, keys := range [][][]byte{{[]byte(canary + "-")}, {[]byte(canary), []byte("short" + canary)}} {
		_, err := cluster.New(cluster.Config{Name: "c", Dir: t.TempDir(), Preset: cluster.PresetLocal, Keys: keys})
		require.Error(t, err)
		require.Empty(t, found(err.Error()+printed(err), canary, canary+"-"))
	}
	_, err := scheduler.New(scheduler.Config{
		Master: "a:1", Framework: scheduler.Framework{Name: "f"}, Credential: &scheduler.Credential{Principal: "a:b", Secret: canary},
		Token: func(context.Context) (string, error) { return canary, nil },
	})
	require.Error(t, err)
	require.Empty(t, found(err.Error()+printed(err), canary))
}

// TestSecretsControl: each form is found where it is printed.
func TestSecretsControl(t *testing.T) {
	type unsafe struct {
		Address string
		Keys    [][]byte
		At      time.Time
	}
	require.Equal(t, canary, found(printed(unsafe{Address: canary}), canary))
	require.NotEmpty(t, found(fmt.Sprint(unsafe{Keys: [][]byte{[]byte(canary)}}), canary))
	require.NotEmpty(t, found(fmt.Sprintf("%#v", unsafe{Keys: [][]byte{[]byte(canary)}}), canary))
	require.NotEmpty(t, found(fmt.Sprintf("%x", unsafe{Address: canary}), canary))
	withKey, number := secretKey(t)
	require.NotEmpty(t, found(fmt.Sprintf("%+v", *withKey.Certificates[0].PrivateKey.(*ecdsa.PrivateKey)), number))
}
