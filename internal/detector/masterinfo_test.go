package detector

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

func ptr[T any](v T) *T { return &v }

// protobufInfo returns a node's data as masters wrote it before they used JSON.
func protobufInfo(t *testing.T, port uint32) []byte {
	data, err := (&mesos.MasterInfo{
		ID: "20141125-1", IP: 16777343, Port: ptr(port), PID: ptr("master@127.0.0.1:5050"), Hostname: ptr("master.example"),
	}).Marshal()
	require.NoError(t, err)
	return data
}

func TestLeaderOf(t *testing.T) {
	for _, test := range []struct {
		why      string
		children []string
		want     string
	}{
		{"nobody", nil, ""},
		{"what else is there", []string{"log_replicas", "0000000001", "json.info", "json.info_", "info_x", "info_1_2", "jsoninfo_1", "info_99999999999"}, ""},
		{"the smallest", []string{"json.info_0000000007", "json.info_0000000003", "json.info_0000000010"}, "json.info_0000000003"},
		{"whatever its label", []string{"json.info_0000000007", "info_0000000003", "json.info_0000000004"}, "info_0000000003"},
		{"the counter has overflown", []string{"json.info_2147483647", "json.info_-2147483648"}, "json.info_-2147483648"},
	} {
		t.Run(test.why, func(t *testing.T) { require.Equal(t, test.want, leaderOf(test.children)) })
	}
}

func TestDecodeMaster(t *testing.T) {
	const recorded = `{"address":{"hostname":"master1.example","ip":"127.0.0.1","port":5050},"capabilities":[{"type":"AGENT_UPDATE"},{"type":"AGENT_DRAINING"},{"type":"QUOTA_V2"}],"hostname":"master1.example","id":"1faaffa1-894b-4a5c-b04e-4bb3affb2253","ip":16777343,"pid":"master@127.0.0.1:5050","port":5050,"version":"1.12.0"}`
	for _, test := range []struct{ why, data, plain, tls string }{
		{"a real one", recorded, "http://127.0.0.1:5050", "https://master1.example:5050"},
		{"address counts more than the fields of old", `{"address":{"ip":"10.0.0.1","hostname":"new","port":1},"ip":16777343,"hostname":"old","port":2}`,
			"http://10.0.0.1:1", "https://new:1"},
		{"address without hostname", `{"address":{"ip":"10.0.0.1","port":1},"ip":16777343,"port":2}`, "http://10.0.0.1:1", "https://10.0.0.1:1"},
		{"address without IP", `{"address":{"hostname":"new","port":1},"ip":0,"port":2}`, "http://new:1", "https://new:1"},
		{"IPv6", `{"address":{"ip":"fd00::1","port":1},"ip":0,"port":2}`, "http://[fd00::1]:1", "https://[fd00::1]:1"},
		{"no address: an IP in network order", `{"ip":33554442,"hostname":"old","port":5050}`, "http://10.0.0.2:5050", "https://old:5050"},
		{"the IP says nothing: the PID", `{"ip":0,"port":5050,"pid":"master@10.0.0.3:5050"}`, "http://10.0.0.3:5050", "https://10.0.0.3:5050"},
		{"only the PID", `{"pid":"master@[fd00::1]:5060"}`, "http://[fd00::1]:5060", "https://[fd00::1]:5060"},
		{"only the hostname", `{"hostname":"old","port":5060}`, "http://old:5060", "https://old:5060"},
		{"the default port", `{"hostname":"old"}`, "http://old:5050", "https://old:5050"},
		{"an address that means any", `{"address":{"ip":"0.0.0.0","hostname":"new","port":1}}`, "http://new:1", "https://new:1"},
		{"a hostname that is none", `{"address":{"hostname":"a/b","port":1},"hostname":"u:p@old"}`, "", ""},
		{"a port that is none", `{"address":{"hostname":"new","port":70000}}`, "", ""},
		{"nothing", `{}`, "", ""},
		{"no JSON", `info`, "", ""},
		{"no object", `[]`, "", ""},
		{"another type", `{"port":"5050"}`, "", ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			for _, tls := range []bool{false, true} {
				want := test.plain
				if tls {
					want = test.tls
				}
				got, err := decodeMaster("json.info_0000000000", []byte(test.data), tls)
				require.Equal(t, want, got)
				require.Equal(t, want == "", err != nil)
				if err != nil {
					require.ErrorContains(t, err, "node json.info_0000000000")
				}
			}
		})
	}
}

func TestDecodeProtobuf(t *testing.T) {
	master := &mesos.MasterInfo{ID: "m", IP: 16777343, Port: ptr[uint32](5050), PID: ptr("master@127.0.0.1:5050"), Hostname: ptr("old"),
		Address: &mesos.Address{Hostname: ptr("new"), IP: ptr("10.0.0.1"), Port: 5060}}
	data, err := master.Marshal()
	require.NoError(t, err)
	for _, test := range []struct {
		why  string
		data []byte
		tls  bool
		want string
	}{
		{"with address", data, false, "http://10.0.0.1:5060"},
		{"with address, TLS", data, true, "https://new:5060"},
		{"without address", protobufInfo(t, 5070), false, "http://127.0.0.1:5070"},
		{"without address, TLS", protobufInfo(t, 5070), true, "https://master.example:5070"},
		{"cut off", data[:len(data)-1], false, ""},
		{"nothing", nil, false, ""},
		{"a length that overflows", []byte("\xfa\xff\xff\xff\x0f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), false, ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			got, err := decodeMaster("info_0000000000", test.data, test.tls)
			require.Equal(t, test.want, got)
			require.Equal(t, test.want == "", err != nil)
		})
	}
}

// FuzzDecodeMaster holds for any data under either label: no panic, and either an error or the base URL of a
// master, which Config.Master accepts and parses to the same URL.
func FuzzDecodeMaster(f *testing.F) {
	f.Add(true, false, []byte(`{"address":{"hostname":"h","ip":"127.0.0.1","port":5050},"ip":16777343,"pid":"master@[::1]:5050"}`))
	f.Add(false, true, []byte("\x0a\x01m\x10\x81\x80\x80\x08\x18\xba\x27\x2a\x04host"))
	f.Fuzz(func(t *testing.T, json, tls bool, data []byte) {
		node := labelProtobuf
		if json {
			node = labelJSON
		}
		url, err := decodeMaster(node, data, tls)
		require.Equal(t, err != nil, url == "")
		if err != nil {
			return
		}
		masters, _, err := parse(url)
		require.NoError(t, err)
		require.Equal(t, []string{url}, masters)
	})
}
