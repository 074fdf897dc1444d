package task

// HostPorts returns ports that ask for all host ports from first to last, both included and in this order, without
// a mapping to container ports. It returns nil if last is less than first.
func HostPorts(first, last uint16) []Port {
	var all []Port
	for port := int(first); port <= int(last); port++ {
		all = append(all, Port{Host: uint16(port)})
	}
	return all
}
