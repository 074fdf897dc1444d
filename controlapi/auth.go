package controlapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// guard decides who is served.
type guard struct {
	tokens     [][sha256.Size]byte // hashes: of equal length, so that comparing them says nothing about that of a token
	certified  bool                // whoever has shown a certificate is served
	open       bool                // everybody is served
	crossSites *http.CrossOriginProtection
}

func newGuard(c *Config) guard {
	g := guard{certified: c.verifiesClients(), open: c.Insecure && !c.authenticates(), crossSites: http.NewCrossOriginProtection()}
	for _, token := range c.Tokens {
		g.tokens = append(g.tokens, sha256.Sum256([]byte(token)))
	}
	return g
}

// admit returns an error for a request that a page of another site makes in a browser and, if neither tokens nor certificates
// are required, for one from another machine.
func (g *guard) admit(r *http.Request) error {
	if err := g.crossSites.Check(r); err != nil {
		return fail(CodeForbidden, "the request comes from a page of another site")
	}
	if embeds(r) {
		return fail(CodeForbidden, "the request comes from a page of another site")
	}
	if g.open || len(g.tokens) > 0 || g.certified {
		return nil
	}
	if !isLoopback(r.RemoteAddr) && !isUnix(r) {
		return fail(CodeForbidden, "only requests from the same machine are served: set Config.Tokens or Config.Insecure")
	}
	if !isLoopback(r.Host) {
		return fail(CodeForbidden, "only requests to a loopback address or localhost are served, not to %q: set Config.Tokens or Config.Insecure", r.Host)
	}
	return nil
}

// embeds reports whether a page of another site makes a request for something that is to be a part of it. It does not get to see
// an answer, but whether there is one. A link of another site may be followed.
func embeds(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// isUnix reports whether a request has come through a Unix socket: from the same machine.
func isUnix(r *http.Request) bool {
	at, is := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return is && at.Network() == "unix"
}

// identify returns an error for a request without a valid token or certificate. It is the same whatever is wrong with a token.
func (g *guard) identify(r *http.Request) error {
	if len(g.tokens) == 0 && !g.certified {
		return nil
	}
	if g.certified && r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given, known := sha256.Sum256([]byte(strings.TrimLeft(token, " "))), 0
	for i := range g.tokens {
		known |= subtle.ConstantTimeCompare(given[:], g.tokens[i][:])
	}
	if known == 0 || !strings.EqualFold(scheme, "Bearer") {
		return fail(CodeUnauthorized, "a valid bearer token is required")
	}
	return nil
}
