package mesoshttp

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHosts(t *testing.T) {
	for entries, c := range map[string]struct{ trusted, not []string }{
		"m1.example": {
			[]string{"m1.example", "M1.EXAMPLE", "m1.example.", "m1.example:5050", "m1.example:1"},
			[]string{"m1.example..", "m1.example.evil", "evilm1.example", "x.m1.example", "m1", "m1.example%2eevil", "m1.example@evil",
				"m1.example\\evil", "ｍ1.example", "m1。example", "m1.ex\u00e4mple", "[::1]", "10.0.0.1", ""},
		},
		"K8S_m-1": {[]string{"k8s_m-1", "k8s_M-1."}, []string{"\u212a8s_m-1", "k8s-m-1"}},
		"*.example.com": {
			[]string{"a.example.com", "A.B.Example.Com.", "xn--mnchen-3ya.example.com"},
			[]string{"example.com", ".example.com", "aexample.com", "a.example.com.evil", "a.example.org", "evil.com／.example.com",
				"a\u00e4.example.com", "10.0.0.1", "[::1]"},
		},
		"10.0.0.1":            {[]string{"10.0.0.1", "[::ffff:10.0.0.1]", "[::ffff:a00:1]"}, []string{"10.0.0.2", "10.0.0.1.", "10.1", "0xa.0.0.1", "167772161", "010.0.0.1", "[::10.0.0.1]"}},
		"::ffff:10.0.0.1":     {[]string{"10.0.0.1", "[::ffff:10.0.0.1]"}, []string{"[::1]"}},
		"10.1.2.3/8":          {[]string{"10.0.0.1", "10.255.255.255", "[::ffff:10.9.9.9]"}, []string{"11.0.0.1", "10.example", "10.0.0.1.example", "[a00::1]"}},
		"::ffff:10.0.0.0/104": {[]string{"10.1.1.1"}, []string{"11.1.1.1", "[::1]"}},
		"fd00::/8":            {[]string{"[fd12::1]", "[FD12:0::1]"}, []string{"[fe80::1]", "[fd12::1%25eth0]", "10.0.0.1"}},
		"::/0":                {[]string{"[::1]"}, []string{"10.0.0.1", "[::ffff:10.0.0.1]", "m1"}},
		"0.0.0.0/0":           {[]string{"1.1.1.1"}, []string{"[::1]", "m1"}},
		"[::1]":               {[]string{"[::1]", "[0:0::1]"}, []string{"[::2]", "127.0.0.1", "localhost"}},
		"fe80::1%eth0":        {[]string{"[fe80::1%25eth0]"}, []string{"[fe80::1]", "[fe80::1%25eth1]"}},
		"fe80::1":             {[]string{"[fe80::1]"}, []string{"[fe80::1%25eth0]"}},
		"m1 10.0.0.0/24 *.x":  {[]string{"m1", "10.0.0.9", "y.x"}, []string{"m2", "x", "10.0.1.0"}},
		"*":                   {[]string{"anything", "10.0.0.1", "[fe80::1%25eth0]", "ｍ1.example"}, nil},
	} {
		h, err := ParseHosts(strings.Fields(entries))
		require.NoError(t, err, entries)
		for _, host := range c.trusted {
			for _, scheme := range []string{"http", "https"} {
				u, err := url.Parse(scheme + "://" + host + "/prefix")
				require.NoError(t, err, host)
				require.True(t, h.has(u), "%s: %s", entries, host)
			}
		}
		for _, host := range c.not {
			if u, err := url.Parse("http://" + host + "/prefix"); err == nil {
				require.False(t, h.has(u), "%s: %s", entries, host)
			}
			require.False(t, h.has(&url.URL{Scheme: "http", Host: host}), "%s: %s", entries, host)
		}
	}
}

func TestParseHostsRefuses(t *testing.T) {
	for _, entry := range []string{
		"", " ", "m1 ", "m1,m2", "http://m1", "m1:5050", "10.0.0.1:5050", "[::1]:5050", "[::1", "[m1]", "m1/", "m1/path", "//m1", "u:p@m1", "u@m1",
		"*.", "**", "*m1", "m*.example.com", "*.*.example.com", "a.*.com", "*.example..com", ".example.com", "m1..", ".", "..", "*.10", "*.0.0.1",
		"10.0.0.256", "10.1", "0x7f.1", "0x7f000001", "010.0.0.1", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "fe80::1%eth0/64", "::ffff:0:0/95",
		"m\u00fcnchen.example", "m1\n", "m1\x00", "m1%2eevil", "m1\\evil", "m1#", "m1?",
	} {
		h, err := ParseHosts([]string{"m0", entry})
		require.Nil(t, h, entry)
		var bad *HostError
		require.ErrorAs(t, err, &bad, entry)
		require.Equal(t, HostError{Index: 1, Entry: entry, Reason: bad.Reason}, *bad)
		require.ErrorContains(t, err, "host name")
	}
}

// The hosts of a list of masters are taken as they are, also if no resolver would.
func TestHostsOf(t *testing.T) {
	h := HostsOf([]string{"http://M1:5050", "http://[::ffff:10.0.0.1]:5050/prefix", "http://10.1", "https://m4"}, true)
	for base, want := range map[string]bool{
		"http://m1": true, "http://m1.:80": true, "http://10.0.0.1": true, "http://10.1": true, "http://m4": true,
		"http://m2": false, "http://10.0.0.2": false, "http://10.0.0.1.": false, "https://anything": true,
	} {
		u, err := url.Parse(base)
		require.NoError(t, err)
		require.Equal(t, want, h.has(u), base)
		require.Equal(t, want && base != "https://anything", HostsOf([]string{"http://m1", "http://10.0.0.1", "http://10.1", "http://m4"}, false).has(u), base)
	}
}

// FuzzHosts holds for any list and any Location: what is trusted has a host that is an entry, ends in one, or is in a range.
func FuzzHosts(f *testing.F) {
	for _, location := range []string{
		"//trusted@evil/", "//evil#trusted", "//evil\\@trusted/", "//trusted%2eevil/", "//trusted\\.evil", "//evil%00.trusted", "//[::ffff:10.0.0.1]:1",
		"trusted:5050@evil:80", "//evil?.in.example", "https://trusted", "//TRUSTED.:9", "//a.in.example", "//10.0.0.1",
	} {
		f.Add(location)
	}
	h, err := ParseHosts([]string{"trusted", "*.in.example", "10.0.0.0/24"})
	require.NoError(f, err)
	from := &url.URL{Scheme: "http", Host: "trusted:5050", Path: path}
	f.Fuzz(func(t *testing.T, location string) {
		next := leader(from, location)
		if next == "" {
			return
		}
		u, err := url.Parse(next)
		require.NoError(t, err)
		if !h.has(u) {
			return
		}
		host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
		inside := host == "trusted" || strings.HasSuffix(host, ".in.example") || strings.HasPrefix(host, "10.0.0.") || strings.HasPrefix(host, "::ffff:")
		require.True(t, inside, "%q leads to %q", location, host)
	})
}
