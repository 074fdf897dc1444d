package detector

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/internal/zkaddress"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Labels of the nodes that masters create for their election. Nodes without a label are of masters from before the
// HTTP API.
const (
	labelJSON     = "json.info"
	labelProtobuf = "info"
)

// maxInfo is the longest MasterInfo in bytes that is read. Those of masters have some hundreds.
const maxInfo = 64 << 10

// maxSequence is the length of the longest sequence number, -2147483648.
const maxSequence = 11

// leaderOf returns the leader's node among the children of the election: the one with the smallest sequence number,
// whichever label it has. Other nodes, such as log_replicas, are skipped. It returns "" when no master is a candidate.
func leaderOf(children []string) string {
	leader, first := "", 0
	for _, child := range children {
		label, sequence, _ := strings.Cut(child, "_")
		if label != labelJSON && label != labelProtobuf {
			continue
		}
		// ZooKeeper's counter is signed and may overflow; masters read it as signed, too.
		number, err := strconv.ParseInt(sequence, 10, 32)
		if len(sequence) > maxSequence {
			continue // has a million zeros, for example
		}
		if err == nil && (leader == "" || int(number) < first) {
			leader, first = child, int(number)
		}
	}
	return leader
}

// masterInfo has the fields used here of Mesos' MasterInfo, as masters write it in JSON.
type masterInfo struct {
	IP       uint32 `json:"ip"` // network order, read as little endian
	Port     uint32 `json:"port"`
	PID      string `json:"pid"` // master@ip:port
	Hostname string `json:"hostname"`
	Address  struct {
		Hostname string `json:"hostname"`
		IP       string `json:"ip"`
		Port     int32  `json:"port"`
	} `json:"address"`
}

// decodeMaster returns the URL of the master whose node has that data.
func decodeMaster(node string, data []byte, tls bool) (string, error) {
	if len(data) > maxInfo {
		return "", fmt.Errorf("node %s is no MasterInfo: it has %d bytes, more than %d", node, len(data), maxInfo)
	}
	var info masterInfo
	var err error
	if strings.HasPrefix(node, labelJSON) {
		err = json.Unmarshal(data, &info)
	} else {
		info, err = decodeProtobuf(data)
	}
	if err != nil {
		// The error may quote what is in the node.
		return "", fmt.Errorf("node %s is no MasterInfo: %w", node, printable.Error(err))
	}
	url := info.url(tls)
	if url == "" {
		return "", fmt.Errorf("node %s has no usable address", node)
	}
	return url, nil
}

func decodeProtobuf(data []byte) (info masterInfo, err error) {
	defer func() { // mesos-go's generated code panics on some malformed input (CVE-2021-3121)
		if r := recover(); r != nil {
			err = fmt.Errorf("decoder panicked: %v", r)
		}
	}()
	var message mesos.MasterInfo
	if err := message.Unmarshal(data); err != nil {
		return info, err
	}
	if message.ID == "" {
		return info, errors.New("it has no ID")
	}
	info.IP, info.Port = message.IP, message.GetPort()
	info.PID, info.Hostname = message.GetPID(), message.GetHostname()
	if a := message.Address; a != nil {
		info.Address.Hostname, info.Address.IP, info.Address.Port = a.GetHostname(), a.GetIP(), a.Port
	}
	return info, nil
}

// url returns the base URL of the master, or "" if its address is unknown. Without TLS the URL has the IP address, as
// in Mesos' own schedulers: the hostname may only be known in the master's network. With TLS it has the hostname,
// since certificates have names.
func (m masterInfo) url(tls bool) string {
	_, pid, _ := strings.Cut(m.PID, "@")
	pidHost, pidPort, _ := net.SplitHostPort(pid)
	var packed [4]byte
	binary.LittleEndian.PutUint32(packed[:], m.IP)

	names := []string{m.Address.Hostname, m.Hostname}
	addresses := []string{m.Address.IP, netip.AddrFrom4(packed).String(), pidHost}
	scheme, hosts := "http://", append(addresses, names...)
	if tls {
		scheme, hosts = "https://", append(names, addresses...)
	}
	port := cmp.Or(max(int64(m.Address.Port), 0), int64(m.Port))
	if port == 0 {
		port, _ = strconv.ParseInt(pidPort, 10, 32)
	}
	port = cmp.Or(port, 5050)
	for _, host := range hosts {
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() || !zkaddress.ValidHost(host) {
			continue
		}
		if master, bad := parseMaster(scheme + net.JoinHostPort(host, strconv.FormatInt(port, 10))); bad == "" {
			return master
		}
	}
	return ""
}
