package mesoshttp

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// All forms in which a Location may name the leader. A real master omits the scheme and writes /master before the path;
// the documentation has host:port.
func TestLocations(t *testing.T) {
	const master = "http://master.example:5050"
	for _, test := range []struct{ why, from, location, master string }{
		{"a real master", master, "//m2.example:5050/master/api/v1/scheduler", "http://m2.example:5050"},
		{"with a query", master, "//m2.example:5050/master/api/v1/scheduler?a=b", "http://m2.example:5050"},
		{"a real master's /redirect", master, "//m2.example:5050", "http://m2.example:5050"},
		{"the documentation", master, "m2:5050", "http://m2:5050"},
		{"the scheme is kept", "https://master.example", "m2:5050", "https://m2:5050"},
		{"an address", master, "10.0.0.2:5050", "http://10.0.0.2:5050"},
		{"an address and a path", master, "10.0.0.2:5050/master/api/v1/scheduler", "http://10.0.0.2:5050"},
		{"host and path", master, "m2:5050/mesos/api/v1/scheduler", "http://m2:5050/mesos"},
		{"only a slash", master, "m2:5050/", "http://m2:5050"},
		{"whole URL", master, "http://m2.example:5050/api/v1/scheduler", "http://m2.example:5050"},
		{"whole URL without path", master, "http://m2.example:5050", "http://m2.example:5050"},
		{"another scheme, which Subscribe refuses", master, "https://m2.example/api/v1/scheduler/", "https://m2.example"},
		{"letter case", master, "HTTP://M2.example:5050", "http://m2.example:5050"},
		{"IPv6", master, "//[::1]:5050/master/api/v1/scheduler", "http://[::1]:5050"},
		{"IPv6 alone", master, "[::1]:5050", "http://[::1]:5050"},
		{"a proxy's prefix", master, "//proxy.example/mesos/api/v1/scheduler", "http://proxy.example/mesos"},
		{"path only", master + "/mesos", "/other/api/v1/scheduler", "http://master.example:5050/other"},
		{"relative", master + "/mesos", "scheduler", "http://master.example:5050/mesos"},
		{"a secret is not taken over", master, "http://a:b@m2.example", "http://m2.example"},
		{"another path", master, "//m2.example:5050/login", ""},
		{"no host but a port", master, "//:5050/api/v1/scheduler", ""},
		{"another protocol", master, "ftp://m2.example/api/v1/scheduler", ""},
		{"no port", master, "javascript:alert(1)", ""},
		{"not a URL", master, "//[", ""},
		{"missing", master, "", ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			request, err := url.Parse(test.from + "/api/v1/scheduler")
			require.NoError(t, err)
			require.Equal(t, test.master, leader(request, test.location))
		})
	}
}

// FuzzLeader holds for any Location: the result is empty or a base URL of http or https with a host, without
// credentials, query and slash at its end; and as a Location it results in itself.
func FuzzLeader(f *testing.F) {
	for _, location := range []string{"//h:1/master/api/v1/scheduler", "h:1", "[::1]:1/x/api/v1/scheduler?a", "/api/v1/scheduler", "https://u:p@H/"} {
		f.Add(location)
	}
	f.Fuzz(func(t *testing.T, location string) {
		from, err := url.Parse("http://master.example:5050/api/v1/scheduler")
		require.NoError(t, err)
		got := leader(from, location)
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.NotEmpty(t, u.Hostname())
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery+u.Fragment)
		require.NotEqual(t, byte('/'), got[len(got)-1])
		require.Equal(t, got, leader(from, got+"/api/v1/scheduler"))
	})
}
