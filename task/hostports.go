package task

// HostPorts asks for all host ports from first to last, both included, in this order: each as it is, without
// a mapping. It gives none if last is before first.
func HostPorts(first, last uint16) []Port {
	var all []Port
	for port := int(first); port <= int(last); port++ {
		all = append(all, Port{Host: uint16(port)})
	}
	return all
}
