package detector

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Config tells a Detector where to look.
type Config struct {
	// Master is one of
	//
	//	http://host:5050
	//	host1:5050, host2:5050, https://host3/prefix
	//	zk://host1:2181,host2:2181/path
	//	zk://user:password@host1:2181/path
	//
	// An entry of a list without scheme is http. The port of ZooKeeper is 2181 if missing.
	Master string
	// TLS makes https URLs of what ZooKeeper tells, where scheme and certificates are not on record.
	TLS bool
	// DialContext opens the connections to ZooKeeper; nil means that of a zero net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets new leaders as information and trouble with ZooKeeper as warnings; nil means slog.Default().
	Logger *slog.Logger
}

// Lead is a master to try.
type Lead struct {
	// URL of the master, such as http://host:5050, without a slash at its end.
	URL string
	// Changed is closed when ZooKeeper names another leader, be it at the same URL. Nil for a list.
	Changed <-chan struct{}
}

// Detector finds the leading master. All methods may be called from any goroutine. Use New.
type Detector struct {
	ensemble       *ensemble // nil for a list
	tls            bool
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
	logger         *slog.Logger
	sessionTimeout time.Duration
	retry          time.Duration
	leader         candidate // last one elected; Run's

	mu      sync.Mutex
	masters []string // of a list: the present one first
	lead    Lead     // no URL: not known yet
	changed chan struct{}
	trouble error // of ZooKeeper, at present
}

// New returns a Detector, or a *ParseError for Config.Master.
func New(c Config) (*Detector, error) {
	d := &Detector{
		tls:            c.TLS,
		dial:           c.DialContext,
		logger:         cmp.Or(c.Logger, slog.Default()),
		sessionTimeout: defaultSessionTimeout,
		retry:          defaultRetry,
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

// Run watches ZooKeeper until ctx ends, and returns context.Cause(ctx). It must not run twice at a time. For a
// list it has nothing to do but wait.
func (d *Detector) Run(ctx context.Context) error {
	if d.ensemble != nil {
		d.watch(ctx)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// Leader gives the master to try next. With ZooKeeper it waits until Run has seen a first leader, which stays
// the answer until another one is known. The error is context.Cause(ctx), with what is wrong with ZooKeeper.
func (d *Detector) Leader(ctx context.Context) (Lead, error) {
	for {
		lead, _ := d.state()
		if lead.URL != "" {
			return lead, nil
		}
		select {
		case <-lead.Changed:
			continue
		case <-ctx.Done():
		}
		err := fmt.Errorf("detector: no leading master is known: %w", context.Cause(ctx))
		if _, trouble := d.state(); trouble != nil {
			err = fmt.Errorf("%w (%w)", err, trouble)
		}
		return Lead{}, err
	}
}

func (d *Detector) state() (Lead, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lead, d.trouble
}

// Failed says that the master of Lead.URL could not be reached. The next one of a list, after the last the
// first, takes its place. For other URLs, such as one from which a list has already gone on, it does nothing.
func (d *Detector) Failed(url string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.masters) > 0 && d.masters[0] == url {
		d.masters = append(d.masters[1:], url)
		d.lead = Lead{URL: d.masters[0]}
	}
}

// elect takes note of another leader.
func (d *Detector) elect(url string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.changed)
	d.changed = make(chan struct{})
	d.lead = Lead{URL: url, Changed: d.changed}
}

// report takes note of what is wrong with ZooKeeper, nil for nothing, and says it once.
func (d *Detector) report(trouble error) {
	d.mu.Lock()
	before := d.trouble
	d.trouble = trouble
	d.mu.Unlock()
	switch {
	case trouble == nil && before != nil:
		d.logger.Info("ZooKeeper works again")
	case trouble != nil && (before == nil || before.Error() != trouble.Error()):
		d.logger.Warn("cannot see in ZooKeeper who leads; the last leader known stays", "error", trouble)
	}
}
