package detector

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/tokenbucket"
	"github.com/mesos-actor/mesos-actor-go/internal/zkaddress"
)

// Config says where a Detector looks.
type Config struct {
	// Master is one of
	//
	//	http://host:5050
	//	host1:5050, host2:5050, https://host3/prefix
	//	zk://host1:2181,host2:2181/path
	//	zk://user:password@host1:2181/path
	//
	// An entry of a list without scheme is http, and without a port as well it has port 5050; a URL without port has that of
	// its scheme. The port of ZooKeeper is 2181 if missing.
	Master string
	// TLS makes the URLs of masters found in ZooKeeper https URLs. Their nodes do not name the scheme.
	TLS bool
	// DialContext opens the connections to ZooKeeper; nil means the method of a zero net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets new leaders at level Info and problems with ZooKeeper at level Warn; nil means slog.Default().
	Logger *slog.Logger
}

// String returns the address without its password.
func (c Config) String() string { return Redact(c.Master) }

// Format prints the same as String with every verb, so that the password is not logged.
func (c Config) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }

// Lead is a master to try.
type Lead struct {
	// URL of the master, such as http://host:5050, without a slash at its end.
	URL string
	// Changed is closed when ZooKeeper names another leader, be it at the same URL. Nil for a list.
	Changed <-chan struct{}
}

// Detector finds the leading master. All methods may be called from any goroutine. Use New.
type Detector struct {
	ensemble       *zkaddress.Address // nil for a list
	tls            bool
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
	logger         *slog.Logger
	sessionTimeout time.Duration
	retry          time.Duration
	leader         candidate          // the last one found; used by Run only
	looks          tokenbucket.Bucket // of looks after changes, from session to session; used by Run only
	elected        func()             // of Run

	mu      sync.Mutex
	masters []string // of a list, the current one first
	lead    Lead     // without URL: not known yet
	changed chan struct{}
	problem error         // with ZooKeeper; nil: none
	news    chan struct{} // closed when lead or problem change
}

// New returns a Detector, or a *ParseError for Config.Master.
func New(c Config) (*Detector, error) {
	d := &Detector{
		tls:            c.TLS,
		dial:           c.DialContext,
		logger:         cmp.Or(c.Logger, slog.Default()),
		sessionTimeout: defaultSessionTimeout,
		retry:          defaultRetry,
		looks:          tokenbucket.Bucket{Burst: lookBurst, Interval: lookInterval},
		news:           make(chan struct{}),
	}
	if d.dial == nil {
		d.dial = new(net.Dialer).DialContext
	}
	var err error
	if d.masters, d.ensemble, err = parse(c.Master); err != nil {
		return nil, err
	}
	if d.ensemble == nil {
		d.lead = Lead{URL: d.masters[0]}
	} else {
		d.changed = make(chan struct{})
		d.lead = Lead{Changed: d.changed}
	}
	return d, nil
}

// Address returns how the masters are found, in a form of its own and without secrets: the URLs of a list, or the
// servers and path of an ensemble.
func (d *Detector) Address() string {
	if d.ensemble != nil {
		return d.ensemble.String()
	}
	return strings.Join(d.Masters(), ",")
}

// Masters returns the URLs of a list, and nil for ZooKeeper.
func (d *Detector) Masters() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(slices.Values(d.masters))
}

// String returns the Address, so that the password is not logged.
func (d *Detector) String() string { return d.Address() }

// Format prints the same as String with every verb, so that no secret is logged.
func (d *Detector) Format(to fmt.State, _ rune) { fmt.Fprint(to, d.String()) }

// Run watches ZooKeeper until ctx ends, and returns context.Cause(ctx). It calls elected, which may be nil, whenever another
// leader is known, be it at the same URL. It must not be called again before it has returned. For a list it only waits.
func (d *Detector) Run(ctx context.Context, elected func()) error {
	if d.ensemble != nil {
		d.elected = elected
		d.watch(ctx)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// Leader returns the master to try next. With ZooKeeper that is the last leader that Run has found. While there is none
// it waits until Run has either found one or a problem with ZooKeeper, which the error then wraps. When ctx ends the error
// wraps context.Cause(ctx).
func (d *Detector) Leader(ctx context.Context) (Lead, error) {
	for {
		lead, news, problem := d.state()
		switch {
		case lead.URL != "":
			return lead, nil
		case problem != nil:
			return Lead{}, fmt.Errorf("detector: no leading master is known yet: %w", problem)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return Lead{}, fmt.Errorf("detector: no leading master is known yet: %w", context.Cause(ctx))
		}
	}
}

// Problem returns why ZooKeeper cannot be asked who leads, or nil.
func (d *Detector) Problem() error {
	_, _, problem := d.state()
	return problem
}

func (d *Detector) state() (lead Lead, news <-chan struct{}, problem error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lead, d.news, d.problem
}

// tell wakes all who wait for news. It is called with the lock held.
func (d *Detector) tell() {
	close(d.news)
	d.news = make(chan struct{})
}

// Failed reports that the master at url, a Lead.URL, could not be reached. A list goes on to its next master, and
// from the last one to the first. It does nothing when url is not the current master, for example because another
// goroutine has reported the same failure.
func (d *Detector) Failed(url string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.masters) > 0 && d.masters[0] == url {
		d.masters = append(d.masters[1:], url)
		d.lead = Lead{URL: d.masters[0]}
	}
}

// elect sets the leader and closes Changed of the one before.
func (d *Detector) elect(url string) {
	d.mu.Lock()
	close(d.changed)
	d.changed = make(chan struct{})
	d.lead = Lead{URL: url, Changed: d.changed}
	d.tell()
	d.mu.Unlock()
	if d.elected != nil {
		d.elected()
	}
}

// report records the current problem with ZooKeeper, or nil, and logs it when it is not the one recorded before.
func (d *Detector) report(err error) {
	d.mu.Lock()
	before, known := d.problem, d.lead.URL != ""
	d.problem = err
	d.tell()
	d.mu.Unlock()
	switch {
	case err == nil && before != nil:
		d.logger.Info("ZooKeeper works again")
	case err != nil && (before == nil || before.Error() != err.Error()):
		consequence := "no leader is known yet"
		if known {
			consequence = "the last leader known stays"
		}
		d.logger.Warn("cannot see in ZooKeeper who leads; "+consequence, "error", err)
	}
}
