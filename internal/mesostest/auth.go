package mesostest

import (
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
)

// credentials are those with which requests may authenticate. They are never changed, so that
// connections read them without the loop.
type credentials struct {
	secrets map[string]string // by principal
	tokens  map[string]string // principals by token
}

// SetTokens replaces Config.Tokens: from now on, also on connections that are open, requests with
// any other token are answered 401, as if theirs had expired. Streams that are open stay so, as on
// a real master, which asks only once for each request. It changes nothing on a master
// whose Config had no tokens at all.
func (m *Master) SetTokens(principals map[string]string) {
	if m.config.Tokens == nil {
		return
	}
	if principals == nil {
		principals = map[string]string{} // none is good
	}
	m.known.Store(newCredentials(m.known.Load().secrets, principals))
}

func newCredentials(secrets, tokens map[string]string) *credentials {
	return &credentials{maps.Clone(secrets), maps.Clone(tokens)}
}

// realm returns whom an endpoint asks to authenticate for; "" are those that are open to all.
func realm(endpoint string) string {
	switch endpoint {
	case "/api/v1/scheduler":
		return "mesos-master-scheduler"
	case "/api/v1", "/teardown", "/quota", "/weights", "/maintenance/schedule", "/machine/down", "/machine/up":
		return "mesos-master-readwrite"
	case "", "/", "/health", "/version", "/redirect":
		return ""
	}
	return "mesos-master-readonly"
}

// authenticate finds out who sends the request: "" when nobody asks for it. When it is not ok it
// has answered.
func (m *Master) authenticate(w http.ResponseWriter, r *http.Request, realm string) (principal string, ok bool) {
	known := m.known.Load()
	if realm == "" || known == nil {
		return "", true
	}
	principal, challenge, text := known.check(r.Header.Get("Authorization"), realm)
	if challenge != "" {
		w.Header()["WWW-Authenticate"] = []string{challenge} // as Mesos spells it
		answer(w, http.StatusUnauthorized, text)
		return "", false
	}
	return principal, true
}

// check returns the principal of an Authorization header, or the challenge and the text to answer
// with. Where both kinds of proof are known it is the answers of both, as of Mesos'
// combined authenticator.
func (c *credentials) check(header, realm string) (principal, challenge, text string) {
	const unauthorized = "401 Unauthorized."
	name, ok := c.basic(header)
	if ok {
		return name, "", ""
	}
	basic := `Basic realm="` + realm + `"`
	name, fault := c.bearer(header)
	if c.tokens != nil && fault == "" && header != "" {
		return name, "", ""
	}
	bearer := `Bearer realm="` + realm + `"`
	if fault != "" {
		bearer += `, error="invalid_token", error_description="` + fault + `"`
	}
	switch {
	case c.tokens == nil:
		return "", basic, unauthorized
	case c.secrets == nil:
		return "", bearer, unauthorized
	}
	return "", basic + "," + bearer,
		"\"Basic\" authenticator returned:\n" + unauthorized + "\n\n\"Bearer\" authenticator returned:\n" + unauthorized
}

func (c *credentials) basic(header string) (principal string, ok bool) {
	proof, ok := strings.CutPrefix(header, "Basic ")
	if !ok {
		return "", false
	}
	pair, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || strings.Count(string(pair), ":") != 1 {
		return "", false
	}
	name, secret, _ := strings.Cut(string(pair), ":")
	want, known := c.secrets[name]
	return name, known && secret == want
}

// bearer returns what is wrong with a token; no header at all is no fault.
func (c *credentials) bearer(header string) (principal, fault string) {
	scheme, token, ok := strings.Cut(header, " ")
	switch {
	case header == "":
		return "", ""
	case !ok || strings.Contains(token, " "):
		return "", "Malformed 'Authorization' header"
	case scheme != "Bearer":
		return "", "Scheme '" + scheme + "' unsupported"
	}
	principal, known := c.tokens[token]
	if !known {
		return "", "Invalid JWT: Token has expired"
	}
	return principal, ""
}
