package zookeeper

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// The name of a member's node in the election has one of these, and a sequence number from the servers.
const (
	memberPrefix  = "member-"  // of candidates
	waitingPrefix = "waiting-" // of members whose last lead has not returned, and which others are to see
)

// memberData is the data of a member's node in the election.
type memberData struct {
	ID    string    `json:"id"`
	API   string    `json:"api,omitempty"`
	Start time.Time `json:"start"`
}

// epochRecord says who leads, and is written before anything else by who does.
type epochRecord struct {
	Term   uint64    `json:"term"`
	Member string    `json:"member"`
	Start  time.Time `json:"start"`
}

// candidate is a node of the election.
type candidate struct {
	node  string // its name
	czxid int64  // the transaction that created it
	owner int64  // its session
	data  memberData
}

// numberOf returns the sequence number at the end of a node's name, after the prefix.
func numberOf(node, prefix string) (number int64, ok bool) {
	at := strings.LastIndex(node, prefix)
	if at < 0 || at+len(prefix)+10 != len(node) {
		return 0, false
	}
	digits := node[at+len(prefix):]
	if strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	return number, err == nil
}

// isWaiting reports whether a node is of a member that is no candidate.
func isWaiting(node string) bool {
	_, ok := numberOf(node, waitingPrefix)
	return ok
}

// inOrder returns the nodes that are part of the election, the one that leads first.
func inOrder(children []string) []string {
	nodes := slices.DeleteFunc(slices.Clone(children), func(node string) bool {
		_, ok := numberOf(node, memberPrefix)
		return !ok
	})
	slices.SortFunc(nodes, func(a, b string) int {
		na, _ := numberOf(a, memberPrefix)
		nb, _ := numberOf(b, memberPrefix)
		return cmp.Or(cmp.Compare(na, nb), strings.Compare(a, b))
	})
	return nodes
}

// decodeMember returns the data of a node. A node whose data is not a member's counts in the election all the same; its
// name stands for the ID.
func decodeMember(node string, data []byte) memberData {
	var m memberData
	if err := json.Unmarshal(data, &m); err != nil || m.ID == "" || len(m.ID) > maxID || !utf8.ValidString(m.ID) {
		return memberData{ID: node}
	}
	return m
}

// members returns the members as others see them, in order of their IDs, self included.
func members(candidates []candidate, self memberData) []ha.Member {
	list := []ha.Member{}
	for _, c := range candidates {
		list = append(list, ha.Member{ID: c.data.ID, API: c.data.API, Alive: true, Voter: true, Since: c.data.Start})
	}
	if !slices.ContainsFunc(list, func(m ha.Member) bool { return m.ID == self.ID }) {
		list = append(list, ha.Member{ID: self.ID, API: self.API, Since: self.Start})
	}
	slices.SortStableFunc(list, func(a, b ha.Member) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(list, func(a, b ha.Member) bool { return a.ID == b.ID })
}
