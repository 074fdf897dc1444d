package mesostest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// binding maps recorded IDs to actual ones, one to one.
type binding struct {
	actual   map[string]string // by the recorded ID
	recorded map[string]string // by the actual ID
}

func newBinding() *binding {
	return &binding{actual: map[string]string{}, recorded: map[string]string{}}
}

func (b *binding) clone() *binding {
	return &binding{actual: maps.Clone(b.actual), recorded: maps.Clone(b.recorded)}
}

func (b *binding) bind(recorded, actual string) bool {
	if known, ok := b.actual[recorded]; ok {
		return known == actual
	}
	if _, taken := b.recorded[actual]; taken {
		return false
	}
	b.actual[recorded], b.recorded[actual] = actual, recorded
	return true
}

const uuidPattern = `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`

// idPattern is the IDs that a master makes up: UUIDs of streams, masters and containers; those
// of a master followed by the number of a framework, an agent or an offer; and UUIDs of updates,
// in base64.
const idPattern = uuidPattern + `(?:-[OS]?\d+)?|[A-Za-z0-9+/]{21}[AQgw]==`

// comparer compares what was recorded with what happened; ids is the compiled idPattern.
type comparer struct{ ids *regexp.Regexp }

// text compares two texts, IDs under the binding, which it extends.
func (c comparer) text(b *binding, recorded, actual string) error {
	want, have := c.ids.FindAllStringIndex(recorded, -1), c.ids.FindAllStringIndex(actual, -1)
	if len(want) != len(have) {
		return fmt.Errorf("%q, recorded %q", actual, recorded)
	}
	w, h := 0, 0
	for i := range want {
		idWant, idHave := recorded[want[i][0]:want[i][1]], actual[have[i][0]:have[i][1]]
		if recorded[w:want[i][0]] != actual[h:have[i][0]] {
			return fmt.Errorf("%q, recorded %q", actual, recorded)
		}
		if err := c.id(b, idWant, idHave); err != nil {
			return err
		}
		w, h = want[i][1], have[i][1]
	}
	if recorded[w:] != actual[h:] {
		return fmt.Errorf("%q, recorded %q", actual, recorded)
	}
	return nil
}

func (c comparer) id(b *binding, recorded, actual string) error {
	if recorded == strings.ToUpper(recorded) && actual == strings.ToUpper(actual) && strings.Contains(recorded, "-") {
		recorded, actual = strings.ToLower(recorded), strings.ToLower(actual) // a test in capitals
	}
	if idKind(recorded) != idKind(actual) {
		return fmt.Errorf("ID %q is of another kind than the recorded %q", actual, recorded)
	}
	if !b.bind(recorded, actual) {
		return fmt.Errorf("ID %q, but the recorded %q is %q here and %q was %q",
			actual, recorded, b.actual[recorded], actual, b.recorded[actual])
	}
	if len(recorded) > 36 && len(actual) > 36 && !b.bind(recorded[:36], actual[:36]) {
		return fmt.Errorf("ID %q comes from another master than the recorded %q", actual, recorded)
	}
	return nil
}

// idKind returns "", "-O", "-S" or "-" by what follows the UUID.
func idKind(id string) string {
	if len(id) <= 36 {
		return fmt.Sprint(len(id))
	}
	return strings.TrimRight(id[36:], "0123456789")
}

// translate puts the actual IDs into a text that is to be sent. IDs never seen are those of nobody:
// they stay, but for the master's own part of them.
func (c comparer) translate(b *binding, text string) string {
	return c.ids.ReplaceAllStringFunc(text, func(id string) string {
		if actual, ok := b.actual[id]; ok {
			return actual
		}
		if lower := strings.ToLower(id); id == strings.ToUpper(id) && b.actual[lower] != "" {
			return strings.ToUpper(b.actual[lower])
		}
		if len(id) > 36 && b.actual[id[:36]] != "" {
			actual := b.actual[id[:36]] + id[36:]
			b.bind(id, actual)
			return actual
		}
		b.bind(id, id)
		return id
	})
}

// value compares two JSON values. The name is that of the field they stand in; some fields are
// compared by their presence only, some lists without regard to order.
func (c comparer) value(b *binding, name string, recorded, actual any) error {
	switch want := recorded.(type) {
	case map[string]any:
		have, ok := actual.(map[string]any)
		if !ok {
			return fmt.Errorf("%v, recorded an object", actual)
		}
		if name == "container_status" {
			c.containerStatus(b, want, have)
			return nil
		}
		if name == "flags" || want["master/elected"] != nil { // the fake has only those flags and metrics that it knows
			want = maps.Clone(want)
			maps.DeleteFunc(want, func(key string, _ any) bool { return have[key] == nil })
		}
		if name == "resource_statistics" { // the fake measures nothing
			return nil
		}
		if path, _ := want["path"].(string); strings.HasSuffix(path, "/stderr") { // the real executors say much more
			want = maps.Clone(want)
			want["size"] = have["size"]
		}
		return c.object(b, want, have)
	case []any:
		have, ok := actual.([]any)
		if name == "flags" || name == "metrics" {
			return c.value(b, "flags", byName(want), byName(have))
		}
		if !ok || len(have) != len(want) {
			return fmt.Errorf("%s, recorded %s", short(actual), short(recorded))
		}
		if unordered(name) {
			return c.multiset(b, want, have)
		}
		for i := range want {
			if err := c.value(b, "", want[i], have[i]); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	case string:
		have, ok := actual.(string)
		if !ok {
			return fmt.Errorf("%s, recorded %q", short(actual), want)
		}
		if name == "message" {
			want, have = sortAvailable(want), sortAvailable(have)
		}
		return c.text(b, want, have)
	case json.Number:
		have, ok := actual.(json.Number)
		if !ok {
			return fmt.Errorf("%s, recorded %s", short(actual), want)
		}
		if timeField(name) {
			return nil
		}
		x, _ := want.Float64()
		if y, _ := have.Float64(); math.Abs(x-y) > 1e-9*max(1, math.Abs(x)) {
			return fmt.Errorf("%s, recorded %s", have, want)
		}
		return nil
	}
	if recorded != actual {
		return fmt.Errorf("%s, recorded %s", short(actual), short(recorded))
	}
	return nil
}

// byName returns the values of a list of things that have a name.
func byName(list []any) map[string]any {
	values := map[string]any{}
	for _, item := range list {
		name, _ := at(item, "name").(string)
		values[name] = at(item, "value")
	}
	return values
}

// unordered: Mesos keeps these lists in hash maps, or shuffles them.
func unordered(name string) bool {
	switch name {
	case "resources", "executor_ids", "offers", "tasks", "completed_tasks", "unreserved_resources_full", "used_resources_full",
		"offered_resources_full", "allocated_resources", "offered_resources", "containers",
		"weight_infos", "infos", "configs", "executors", "operations",
		"inverse_offers", "agents", "total_resources", "draining_machines", "down_machines":
		return true
	}
	return false
}

// sortAvailable brings the list of resources at the end of a message into an order.
func sortAvailable(message string) string {
	const before = " more than available "
	head, list, ok := strings.Cut(message, before)
	if !ok {
		return message
	}
	parts := strings.Split(list, "; ")
	slices.Sort(parts)
	return head + before + strings.Join(parts, "; ")
}

// timeField: points in time differ from run to run.
func timeField(name string) bool {
	switch name {
	case "timestamp", "start_time", "elected_time", "mtime", "registered_time", "unregistered_time", "reregistered_time", "nanoseconds", "master/uptime_secs":
		return true
	}
	return false
}

func (c comparer) object(b *binding, recorded, have map[string]any) error {
	want := map[string]any{}
	for key, v := range recorded {
		want[c.translate(b, key)] = v // some names have IDs in them
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		v, ok := have[key]
		if !ok && unsaid(want, key) {
			continue
		}
		if !ok {
			return fmt.Errorf(".%s is missing, recorded %s", key, short(want[key]))
		}
		if err := c.value(b, key, want[key], v); err != nil {
			return fmt.Errorf(".%s: %w", key, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[key]; !ok {
			return fmt.Errorf(".%s is %s, recorded without", key, short(have[key]))
		}
	}
	return nil
}

// unsaid: Mesos says more than mesos-go can, in GET_FRAMEWORKS offer constraints even when there are none,
// in GET_AGENTS AgentInfo.checkpoint.
func unsaid(want map[string]any, key string) bool {
	switch key {
	case "offer_constraints":
		return want["framework_info"] != nil && len(want[key].(map[string]any)) == 0
	case "checkpoint":
		return want["attributes"] != nil
	}
	return false
}

// containerStatus only learns the ID of the container: processes and networks are free.
func (c comparer) containerStatus(b *binding, want, have map[string]any) {
	recorded, _ := at(want, "container_id", "value").(string)
	actual, _ := at(have, "container_id", "value").(string)
	if recorded != "" && actual != "" {
		b.bind(recorded, actual)
	}
}

// multiset looks for a pairing of two lists of equal length.
func (c comparer) multiset(b *binding, want, have []any) error {
	left := slices.Clone(have)
	for i, w := range want {
		var fault error
		found := false
		for j, h := range left {
			trial := b.clone()
			err := c.value(trial, "", w, h)
			if err != nil {
				if j == 0 {
					fault = err
				}
				continue
			}
			*b = *trial
			left = slices.Delete(left, j, j+1)
			found = true
			break
		}
		if !found {
			return fmt.Errorf("no partner for the recorded number %d: %w", i, fault)
		}
	}
	return nil
}

func short(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > 300 {
		return string(text[:300]) + "..."
	}
	return string(text)
}
