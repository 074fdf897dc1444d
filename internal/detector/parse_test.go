package detector

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/internal/zkaddress"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		why, master string
		masters     []string
		ensemble    *zkaddress.Address
	}{
		{"a URL", "http://h:5050", []string{"http://h:5050"}, nil},
		{"no scheme", "h:5050", []string{"http://h:5050"}, nil},
		{"no scheme and no port", "127.0.0.1", []string{"http://127.0.0.1:5050"}, nil},
		{"the same in a list, with a path", "h1,h2/mesos/,H3:80", []string{"http://h1:5050", "http://h2:5050/mesos", "http://h3:80"}, nil},
		{"a URL without port", "http://h", []string{"http://h"}, nil},
		{"slashes at the end", "h:5050//,http://h2:5050///", []string{"http://h:5050", "http://h2:5050"}, nil},
		{"IPv6 without port", "[::1],::2,fe80::1", []string{"http://[::1]:5050", "http://[::2]:5050", "http://[fe80::1]:5050"}, nil},
		{"the largest port", "h:65535,h:1", []string{"http://h:65535", "http://h:1"}, nil},
		{"a scheme in capitals", "HTTPS://h:1", []string{"https://h:1"}, nil},
		{"https behind a proxy", "https://Proxy.example/mesos/", []string{"https://proxy.example/mesos"}, nil},
		{"no scheme, but a path", "h:5050/mesos", []string{"http://h:5050/mesos"}, nil},
		{"IPv6", "[::1]:5050", []string{"http://[::1]:5050"}, nil},
		{"a list, mixed", "h1:5050,http://h2:5050,https://h3", []string{"http://h1:5050", "http://h2:5050", "https://h3"}, nil},
		{"blanks", " h1:5050 ,\th2:5050\n", []string{"http://h1:5050", "http://h2:5050"}, nil},
		{"one host, two schemes", "http://h,https://h", []string{"http://h", "https://h"}, nil},

		{"ZooKeeper", "zk://h1:2181,h2:2182/mesos", nil, &zkaddress.Address{Servers: []string{"h1:2181", "h2:2182"}, Path: "/mesos"}},
		{"its port is known", "zk://h1, [::1] ,[::2]:1/a/b/ ", nil, &zkaddress.Address{Servers: []string{"h1:2181", "[::1]:2181", "[::2]:1"}, Path: "/a/b"}},
		{"with a password", "zk://u:p@h1:1/mesos", nil, &zkaddress.Address{Servers: []string{"h1:1"}, Path: "/mesos", Auth: "u:p"}},
		{"with an odd password", "zk://u:p@:,%2f#?@h1:1/mesos", nil, &zkaddress.Address{Servers: []string{"h1:1"}, Path: "/mesos", Auth: "u:p@:,%2f#?"}},
		{"with no password", "zk://u:@h1:1/mesos", nil, &zkaddress.Address{Servers: []string{"h1:1"}, Path: "/mesos", Auth: "u:"}},
		{"an odd path", "zk://h1:1/.a/b.c/..d/é", nil, &zkaddress.Address{Servers: []string{"h1:1"}, Path: "/.a/b.c/..d/é"}},
	} {
		t.Run(test.why, func(t *testing.T) {
			masters, zookeeper, err := parse(test.master)
			require.NoError(t, err)
			require.Equal(t, test.masters, masters)
			require.Equal(t, test.ensemble, zookeeper)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		onlyURLs    = "must be a zk URL, or http or https URLs"
		onlyAddress = "must be scheme, host, port and path only"
		credentials = "must be scheme, host, port and path only: credentials have their own place"
		badPort     = "has no port between 1 and 65535"
		hostPort    = "must have host:port,host:port between zk:// and the path"
		noPath      = "must have a path after the hosts, such as /mesos"
		dots        = "must have no empty name, . or .. in its path"
		blanks      = "must have no blanks and control characters in its path"
		onePath     = "must have all servers before its one path: zk://host1:2181,host2:2181/path"
		at          = "must have neither / in the password nor @ in the path"
	)
	for _, test := range []struct{ why, master, value, reason string }{
		{"nothing", "", "", "is required"},
		{"blanks", " ", " ", "is required"},
		{"another protocol", "ftp://h", "ftp://h", onlyURLs},
		{"a file", "file:///master", "file:///master", onlyURLs},
		{"zk in a list", "h:5050,zk://h:2181/mesos", "h:5050,zk://h:2181/mesos", onlyURLs},
		{"letter case", "ZK://h:2181/mesos", "ZK://h:2181/mesos", onlyURLs},
		{"no host", "http://:5050", "http://:5050", "must name a host"},
		{"a host that is none", "http://a'b:5050", "http://a'b:5050", "must name a host"},
		{"a host in the middle of which is something else", "a%41b:5050", "a%41b:5050", `is not a URL: invalid URL escape "%41"`},
		{"an international name, not in ASCII", "zk://İ/mesos", "zk://İ/mesos", hostPort},
		{"no host, no scheme", ":5050", ":5050", "must name a host"},
		{"an empty entry", "h1,,h2", "h1,,h2", "has an empty entry"},
		{"a comma at the end", "h1,", "h1,", "has an empty entry"},
		{"twice", "h1:5050, http://H1:5050/", "h1:5050, http://H1:5050/", "names http://h1:5050 twice"},
		{"a query", "h?a=b", "h?***", onlyAddress},
		{"an empty query", "h?", "h?***", onlyAddress},
		{"a fragment", "h#a", "h#***", onlyAddress},
		{"an empty fragment", "h#", "h#***", onlyAddress},
		{"port 0", "h:0", "h:0", badPort},
		{"a large port", "h:65536", "h:65536", badPort},
		{"an empty port", "http://h:/x", "http://h:/x", badPort},
		{"a word as port", "http://h:port", "http://h:port", `is not a URL: invalid port ":port" after host`},
		{"IPv6 with a port and without brackets", "::1:65536:5050", "::1:65536:5050", "must name a host"},
		{"another scheme", "mesos://h:5050", "mesos://h:5050", onlyURLs},
		{"only a scheme", "http://", "http://", "must name a host"},
		{"only commas", ",", ",", "has an empty entry"},
		{"a blank inside", "h 1:5050", "h 1:5050", `is not a URL: invalid character " " in host name`},
		{"credentials", "http://user:secret@h:5050", "http://***@h:5050", credentials},
		{"credentials without scheme", "user:secret@h:5050", "***@h:5050", credentials},
		{"a secret with a comma", "http://user:sec,ret@h:5050", "http://***@h:5050", credentials},
		{"a secret like a URL", "user:secret://x@h:5050", "***@h:5050", credentials},

		{"no path", "zk://h:2181", "zk://h:2181", noPath},
		{"the root", "zk://h:2181/", "zk://h:2181/", noPath},
		{"no host", "zk:///mesos", "zk:///mesos", "has an empty entry"},
		{"a path for each server", "zk://h1/mesos,h2:2181/mesos", "zk://h1/mesos,h2:2181/mesos", onePath},
		{"a URL for each server", "zk://h1:2181/mesos,zk://h2:2181/mesos", "zk://h1:2181/mesos,zk://h2:2181/mesos", onePath},
		{"a password for each server", "zk://u:secret@h1/mesos,u:secret@h2/mesos", "zk://***@h2/mesos", at},
		{"a comma at the end", "zk://h1/mesos,", "zk://h1/mesos,", onePath},
		{"a large port", "zk://h:65536/mesos", "zk://h:65536/mesos", badPort},
		{"a blank between servers", "zk://h1 h2/mesos", "zk://h1 h2/mesos", hostPort},
		{"an empty host", "zk://h1,/mesos", "zk://h1,/mesos", "has an empty entry"},
		{"a host that is none", "zk://a'b/mesos", "zk://a'b/mesos", hostPort},
		{"only a port", "zk://:2181/mesos", "zk://:2181/mesos", hostPort},
		{"a query in a host", "zk://h?/mesos", "zk://h?***", hostPort},
		{"port 0", "zk://h:0/mesos", "zk://h:0/mesos", badPort},
		{"an empty port", "zk://h:/mesos", "zk://h:/mesos", badPort},
		{"a word as port", "zk://h:port/mesos", "zk://h:port/mesos", hostPort},
		{"twice", "zk://h,H:2181/mesos", "zk://h,H:2181/mesos", "names h:2181 twice"},
		{"an empty name", "zk://h/a//b", "zk://h/a//b", dots},
		{"a dot", "zk://h/./b", "zk://h/./b", dots},
		{"two dots", "zk://h/a/..", "zk://h/a/..", dots},
		{"a zero byte", "zk://h/a\x00", "zk://h/a\x00", blanks},
		{"a blank", "zk://h/a b", "zk://h/a b", blanks},
		{"no password", "zk://user@h/mesos", "zk://***@h/mesos", "must have user:password before the @"},
		{"no user", "zk://:secret@h/mesos", "zk://***@h/mesos", "must have user:password before the @"},
		{"a slash in the password", "zk://user:sec/ret@h/mesos", "zk://***@h/mesos", at},
		{"a password and no host", "zk://user:secret@/mesos", "zk://***@/mesos", "has an empty entry"},
		{"a password and no path", "zk://user:secret@h", "zk://***@h", noPath},
	} {
		t.Run(test.why, func(t *testing.T) {
			_, err := New(Config{Master: test.master})
			var got *ParseError
			require.ErrorAs(t, err, &got)
			require.Equal(t, &ParseError{Value: test.value, Reason: test.reason}, got)
		})
	}
	require.EqualError(t, &ParseError{Value: "h:0", Reason: badPort}, `detector: Master "h:0" has no port between 1 and 65535`)
}

// FuzzParse holds for any text: no panic; either masters, or an ensemble, or a *ParseError. Masters are distinct
// http or https URLs that are parsed to themselves; an ensemble has distinct addresses with ports and a clean
// path, and is the same after it is formatted and parsed again.
func FuzzParse(f *testing.F) {
	for _, master := range []string{"h:5050", "https://h/x, h2", "zk://u:p@h1:1,h2/mesos/", "zk://[::1]/a", "http://u:p@h"} {
		f.Add(master)
	}
	f.Fuzz(func(t *testing.T, s string) {
		masters, zookeeper, err := parse(s)
		switch {
		case err != nil:
			var bad *ParseError
			require.ErrorAs(t, err, &bad)
			require.NotEmpty(t, bad.Reason)
			require.Nil(t, masters)
			require.Nil(t, zookeeper)
		case zookeeper != nil:
			require.Nil(t, masters)
			for _, server := range zookeeper.Servers {
				host, port, err := net.SplitHostPort(server)
				require.NoError(t, err)
				require.NotEmpty(t, host)
				require.True(t, zkaddress.ValidPort(port))
			}
			require.True(t, strings.HasPrefix(zookeeper.Path, "/") && !strings.HasSuffix(zookeeper.Path, "/"))
			again := "zk://" + strings.Join(zookeeper.Servers, ",") + zookeeper.Path
			if zookeeper.Auth != "" {
				again = "zk://" + zookeeper.Auth + "@" + again[len("zk://"):]
			}
			_, same, err := parse(again)
			require.NoError(t, err)
			require.Equal(t, zookeeper, same)
		default:
			for _, master := range masters {
				u, err := url.Parse(master)
				require.NoError(t, err)
				require.Contains(t, []string{"http", "https"}, u.Scheme)
				require.NotEmpty(t, u.Hostname())
				require.Nil(t, u.User)
				require.Empty(t, u.RawQuery+u.Fragment)
				require.NotEqual(t, byte('/'), master[len(master)-1])
			}
			same, _, err := parse(strings.Join(masters, ","))
			require.NoError(t, err)
			require.Equal(t, masters, same)
		}
	})
}

// However a Config, a Detector or the address of an ensemble is printed, the password is not.
func TestPasswordIsNotPrinted(t *testing.T) {
	c := Config{Master: "zk://user:s3cret@h1,h2:2182/mesos"}
	d, err := New(c)
	require.NoError(t, err)
	for _, value := range []any{c, &c, d, *d.ensemble, d.ensemble, Redact(c.Master), d.Address()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, value), "s3cret")
		}
		var line strings.Builder
		slog.New(slog.NewTextHandler(&line, nil)).Info("a line", "value", value)
		require.NotContains(t, line.String(), "s3cret")
	}
	require.Equal(t, "zk://***@h1,h2:2182/mesos", c.String())
	require.Equal(t, "zk://h1:2181,h2:2182/mesos", d.Address())
}

// FuzzParseHidesPasswords holds for whatever surrounds a password before the last @: no error contains the password.
func FuzzParseHidesPasswords(f *testing.F) {
	for _, seed := range [][3]string{{"zk://u:", "", "h/mesos"}, {"http://u:", ",", "h"}, {"u:", "://", "h"}, {"zk://u:", "/", "h"}, {"", "@", ""}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, before, after, rest string) {
		const password = "S3CRETPASSW0RD"
		if strings.Contains(rest, "S3C") {
			return
		}
		if _, _, err := parse(before + password + after + "@" + rest); err != nil {
			require.NotContains(t, err.Error(), password)
			require.NotContains(t, err.Error(), strings.ToLower(password))
		}
	})
}
