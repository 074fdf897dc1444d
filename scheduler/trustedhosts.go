package scheduler

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/internal/detector"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// trusted returns the hosts that get the credentials: masters that may be contacted, and agents. Nil: there are none, and all
// masters may be contacted.
func (c *Config) trusted(d *detector.Detector) (*mesoshttp.Hosts, error) {
	certified := c.TLS == nil || !c.TLS.InsecureSkipVerify || c.TLS.VerifyPeerCertificate != nil || c.TLS.VerifyConnection != nil
	masters := d.Masters()
	switch {
	case len(c.TrustedHosts) > 0:
		hosts, err := mesoshttp.ParseHosts(c.TrustedHosts)
		var bad *mesoshttp.HostError
		if errors.As(err, &bad) {
			return nil, &ConfigError{Field: fmt.Sprintf("TrustedHosts[%d]", bad.Index), Value: bad.Entry, Reason: bad.Reason}
		}
		return hosts, err
	case c.Credential == nil && c.Token == nil:
		return nil, nil
	case masters == nil && (c.TLS == nil || !certified):
		return nil, &ConfigError{Field: "TrustedHosts", Value: c.TrustedHosts, Reason: "is required: without certificates, " +
			`whatever ZooKeeper names would get the credentials; name the masters' addresses or range, such as "10.0.0.0/8", or "*" for all hosts, or use TLS`}
	}
	return mesoshttp.HostsOf(masters, certified), nil
}
