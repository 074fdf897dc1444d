package virtualnet

import (
	"math/rand/v2"
	"time"
)

// Link is one direction between two hosts.
type Link struct {
	// Cut links carry nothing: packets are lost, new connections hang, and what is written to those that exist arrives
	// when the link is restored, as what TCP has sent again.
	Cut bool
	// Delay is how long everything takes, and Jitter up to how much longer by chance. Packets overtake each other.
	Delay, Jitter time.Duration
	// Loss is the probability with which a packet is lost. What a connection loses is sent again after 200 ms, and
	// with the same probability after twice that, and so on, and what was written later waits for it.
	Loss float64
}

// resend is after how long a connection sends again what was lost.
const resend = 200 * time.Millisecond

// SetLink makes the link from one host to another what is given. Until then it is perfect.
func (n *Network) SetLink(from, to string, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setLinks(map[[2]string]Link{{from, to}: l})
}

// Link returns the link from one host to another.
func (n *Network) Link(from, to string) Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.links[[2]string{from, to}]
}

// Split cuts the links between the groups of hosts in both directions, and restores all other ones that are cut. What links
// have beside that stays.
func (n *Network) Split(groups ...[]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := make(map[[2]string]Link, len(n.links))
	for key, l := range n.links {
		l.Cut = false
		next[key] = l
	}
	for i, a := range groups {
		for j, b := range groups {
			for _, from := range a {
				for _, to := range b {
					if i != j {
						l := next[[2]string{from, to}]
						l.Cut = true
						next[[2]string{from, to}] = l
					}
				}
			}
		}
	}
	n.setLinks(next)
}

// Restore makes all links perfect.
func (n *Network) Restore() {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := make(map[[2]string]Link, len(n.links))
	for key := range n.links {
		next[key] = Link{}
	}
	n.setLinks(next)
}

// setLinks changes links, and sends what waits for them.
func (n *Network) setLinks(links map[[2]string]Link) {
	if n.links == nil {
		n.links = make(map[[2]string]Link)
	}
	for key, l := range links {
		n.links[key] = l
		if l == (Link{}) {
			delete(n.links, key)
		}
	}
	stalled := n.stalled
	n.stalled = nil
	for _, c := range stalled {
		if n.linkOf(c).Cut {
			n.stalled = append(n.stalled, c)
		} else {
			c.release()
		}
	}
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// linkOf returns the link to the other end of a connection.
func (n *Network) linkOf(c *Conn) Link {
	if len(n.links) == 0 {
		return Link{}
	}
	return n.links[[2]string{c.local.host(), c.remote.host()}]
}

// arrival returns when what is sent now arrives at the other end of a connection, the zero time if that is now.
func (n *Network) arrival(c *Conn) time.Time {
	l := n.linkOf(c)
	if l == (Link{}) {
		return time.Time{}
	}
	return time.Now().Add(n.latency(l))
}

// latency draws how long it takes until something has reached the other end of a link, which may have to be sent again.
func (n *Network) latency(l Link) time.Duration {
	d := l.Delay
	if l.Jitter > 0 {
		d += time.Duration(n.chance() * float64(l.Jitter))
	}
	for again := resend; l.Loss > 0 && n.chance() < l.Loss && again < time.Minute; again *= 2 {
		d += again
	}
	return d
}

func (n *Network) chance() float64 {
	if n.random == nil {
		n.random = rand.New(rand.NewPCG(n.Seed, 0))
	}
	return n.random.Float64()
}
