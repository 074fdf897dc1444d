package metrics

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

// described is what a document says of a metric.
type described struct {
	name, help string
	kind       kind
	labels     []string
}

func describe[S any](metrics []metric[S]) []described {
	all := make([]described, len(metrics))
	for i, m := range metrics {
		all[i] = described{prefix + m.name, m.help, m.kind, append([]string{"framework"}, m.labels...)}
	}
	return all
}

// everything is an elector with all that any has.
type everything struct{ ha.Elector }

func (everything) Metrics() ha.Metrics {
	return ha.Metrics{Raft: &ha.RaftMetrics{}, Gossip: &ha.GossipMetrics{}, ZooKeeper: &ha.ZooKeeperMetrics{}}
}

func allDescribed() []described {
	return slices.Concat(describe(schedulerMetrics()), describe(electionMetrics(everything{})), describe(invokerMetrics()))
}

// alert is a rule of docs/alerts.yml.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	data, err := os.ReadFile("../docs/alerts.yml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	require.Len(t, file.Groups, 1)
	return file.Groups[0].Rules
}

// expressions returns all PromQL of the dashboard, by the title of its panel.
func expressions(t *testing.T) map[string][]string {
	data, err := os.ReadFile("../docs/dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(data, &dashboard))
	all := map[string][]string{}
	for _, p := range dashboard.Panels {
		require.NotContains(t, all, p.Title)
		require.True(t, p.Type == "row" || len(p.Targets) > 0, p.Title)
		for _, target := range p.Targets {
			all[p.Title] = append(all[p.Title], target.Expr)
		}
	}
	return all
}

func TestDocument(t *testing.T) {
	const file, marker = "../docs/metrics.md", "<!-- written by the test -->\n"
	old, err := os.ReadFile(file)
	require.NoError(t, err)
	text, _, _ := strings.Cut(string(old), marker)
	text += marker + tables(alerts(t))
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return
	}
	require.Equal(t, text, string(old), "run this test with -update")
}

// tables returns those of docs/metrics.md.
func tables(rules []alert) string {
	var b strings.Builder
	b.WriteString("\n## Metrics\n\n| metric | type | labels besides framework | what it is | alerts |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range allDescribed() {
		var used []string
		for _, r := range rules {
			if slices.ContainsFunc(parse(r.Expr).selectors, func(s selector) bool { return s.of(m) }) {
				used = append(used, strings.TrimPrefix(r.Alert, "MesosActor"))
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.name, m.kind, strings.Join(m.labels[1:], ", "), m.help, strings.Join(used, ", "))
	}
	b.WriteString("\n## Alerts\n\nTheir names begin with MesosActor.\n\n| alert | severity | if | for | what to do |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range rules {
		expr := strings.ReplaceAll(r.Expr, "|", `\|`)
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s |\n", strings.TrimPrefix(r.Alert, "MesosActor"), r.Labels["severity"], expr, r.For, r.Annotations["description"])
	}
	return b.String()
}

func TestAlertsAreComplete(t *testing.T) {
	names := map[string]bool{}
	for _, r := range alerts(t) {
		require.True(t, strings.HasPrefix(r.Alert, "MesosActor") && !names[r.Alert], r.Alert)
		names[r.Alert] = true
		require.Contains(t, []string{"critical", "warning"}, r.Labels["severity"], r.Alert)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.NotEmpty(t, r.Annotations["description"], r.Alert)
		require.Empty(t, unknownNames(r.Expr), r.Alert)
		require.Empty(t, unknownTemplates(r), r.Alert)
	}
}

func TestDashboardNamesWhatExists(t *testing.T) {
	seen := 0
	for title, all := range expressions(t) {
		for _, e := range all {
			require.Empty(t, unknownNames(e), "%s: %s", title, e)
			seen++
		}
	}
	require.Greater(t, seen, 50)
}
