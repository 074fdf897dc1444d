package scheduler

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Which addresses can be those of one cluster.
func TestSameCluster(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"http://m1:5050", "http://m1:5050", true},
		{"http://m1:5050", "https://m1:5050", true},
		{"http://m1:5050,http://m2:5050", "http://m2:5050,http://m3:5050", true},
		{"http://m1:5050", "http://m2:5050", false},
		{"http://m1:5050", "http://m1:5051", false},
		{"http://m1", "http://m1:80", true},
		{"https://m1", "https://m1:443", true},
		{"http://m1", "https://m1", true},
		{"https://m1:80", "https://m1", false},
		{"http://m1:8050", "http://m1", false},
		{"http://localhost:5050", "http://127.0.0.1:5050", true},
		{"http://localhost:5050", "http://[::1]:5050", true},
		{"http://127.0.0.1", "http://[::1]:80", true},
		{"http://localhost:5050", "http://127.0.0.1:5051", false},
		{"http://localhost:5050", "http://127.0.0.10:5050", false},
		{"http://proxy/a", "http://proxy:80/a", true},
		{"http://proxy/a", "http://proxy/b", false},
		{"http://127.0.0.1:80/a", "http://localhost/a", true},
		{"zk://localhost:2181/mesos", "zk://127.0.0.1:2181/mesos", true},
		{"zk://zk1:2181,zk2:2181/mesos", "zk://zk2:2181/mesos", true},
		{"zk://zk1:2181/mesos", "zk://zk1:2181/other", false},
		{"zk://m1:5050/", "http://m1:5050", false},
	} {
		require.Equal(t, c.same, sameCluster(c.a, c.b), "%s and %s", c.a, c.b)
		require.Equal(t, c.same, sameCluster(c.b, c.a), "%s and %s", c.b, c.a)
	}
}
