package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// real is a cluster on loopback, in real time.
type real struct {
	testing.TB
	mu      sync.Mutex
	members []*Member
	stops   []context.CancelFunc
	running sync.WaitGroup
}

func startReal(t testing.TB, n int, config func(i int, c *Config), lead func(context.Context, scheduler.Term) error) *real {
	r := &real{TB: t}
	for i := range n {
		r.start(func(c *Config) {
			if config != nil {
				config(i, c)
			}
		}, lead)
	}
	return r
}

// start starts one more member.
func (r *real) start(config func(*Config), lead func(context.Context, scheduler.Term) error) *Member {
	c := Config{Name: "framework", Preset: PresetLocal, Discover: r.discover}
	config(&c)
	m, err := New(c)
	require.NoError(r, err)
	ctx, stop := context.WithCancel(context.Background())
	r.mu.Lock()
	r.members, r.stops = append(r.members, m), append(r.stops, stop)
	r.mu.Unlock()
	r.running.Go(func() { _ = m.Run(ctx, lead) })
	return m
}

// discover returns the addresses of all members that run.
func (r *real) discover(context.Context) (seeds []string, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if a := m.Addresses().Gossip; a != "" {
			seeds = append(seeds, a)
		}
	}
	return seeds, nil
}

func (r *real) stop() {
	for _, stop := range r.stops {
		stop()
	}
	r.running.Wait()
}

// until waits for a status.
func until(t testing.TB, m *Member, is func(ha.Status) bool) ha.Status {
	for s := range m.Watch(t.Context()) {
		if is(s) {
			return s
		}
	}
	require.Fail(t, "the status never came")
	return ha.Status{}
}

// waits is a lead function that does nothing.
func waits(ctx context.Context, _ scheduler.Term) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// leads reports whether somebody leads and so many members are alive.
func leads(alive int) func(ha.Status) bool {
	return func(s ha.Status) bool {
		n := 0
		for _, m := range s.Members {
			if m.Alive {
				n++
			}
		}
		return s.Leader != "" && n == alive
	}
}

// TestOverTCP takes three members through an election, the end of the leader, and the end of all, with gossip encrypted
// and Raft over TLS.
func TestOverTCP(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	key := []byte("0123456789abcdef0123456789abcdef")
	wrote := make(chan uint64, 9)
	cluster := startReal(t, 3, func(_ int, c *Config) { c.Keys, c.TLS = [][]byte{key}, ca.config(t) }, func(ctx context.Context, term scheduler.Term) error {
		records, err := term.Store.Load(ctx)
		if err != nil {
			return err
		}
		if err := term.Store.Apply(ctx, map[string][]byte{fmt.Sprint(len(records)): {}}); err != nil {
			return err
		}
		if err := term.Confirm(ctx); err != nil {
			return err
		}
		wrote <- uint64(len(records))
		return waits(ctx, term)
	})
	defer cluster.stop()
	require.Equal(t, uint64(0), <-wrote)
	status := until(t, cluster.members[0], leads(3))
	for i, m := range cluster.members {
		if m.Status().Self == status.Leader {
			cluster.stops[i]()
		}
	}
	require.Equal(t, uint64(1), <-wrote, "the next one has what the first wrote")
}

// authority is a certificate authority.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{key: key, pool: x509.NewCertPool()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.pool.AddCert(a.cert)
	return a
}

// config returns a member's TLS config with a certificate for loopback and the first host of a world.
func (a *authority) config(t testing.TB) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: a.pool, ClientCAs: a.pool}
}

// lines is a log in memory.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

// Write adds a line.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(line)
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// count returns how often a text was logged.
func (l *lines) count(text string) int { return strings.Count(l.String(), text) }

// String returns what was logged.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}
