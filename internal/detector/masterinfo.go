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

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Labels of the nodes that masters make for their election. Before the label info there were nodes without one;
// those masters had no HTTP API.
const (
	labelJSON     = "json.info"
	labelProtobuf = "info"
)

// leaderOf picks the node of the leader among the children of the election: the smallest sequence number,
// whatever its label. Other nodes, such as log_replicas, are none of ours. Empty: nobody is a candidate.
func leaderOf(children []string) string {
	leader, first := "", 0
	for _, child := range children {
		label, sequence, _ := strings.Cut(child, "_")
		if label != labelJSON && label != labelProtobuf {
			continue
		}
		// Signed: the counter of ZooKeeper is, and masters read it so.
		number, err := strconv.ParseInt(sequence, 10, 32)
		if err == nil && (leader == "" || int(number) < first) {
			leader, first = child, int(number)
		}
	}
	return leader
}

// masterInfo is what is needed of Mesos' message of that name, as masters write it in JSON.
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

// decodeMaster gives the URL of the master whose node has that data.
func decodeMaster(node string, data []byte, tls bool) (string, error) {
	var info masterInfo
	var err error
	if strings.HasPrefix(node, labelJSON) {
		err = json.Unmarshal(data, &info)
	} else {
		info, err = decodeProtobuf(data)
	}
	if err != nil {
		return "", fmt.Errorf("node %s is no MasterInfo: %w", node, err)
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

// url is where the master serves HTTP; empty if it does not say. Without TLS that is by IP address, as Mesos' own
// schedulers do it: the hostname may be one that only the master's network knows. With TLS it is by name, since
// certificates have names.
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
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() || !validHost(host) {
			continue
		}
		if master, bad := parseMaster(scheme + net.JoinHostPort(host, strconv.FormatInt(port, 10))); bad == "" {
			return master
		}
	}
	return ""
}
