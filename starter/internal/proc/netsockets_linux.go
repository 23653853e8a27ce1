package proc

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// NetSockets lists the sockets in the network namespace of a process that wait
// for connections, or for datagrams from any sender; proc_net(5). network is tcp,
// udp or unix.
func NetSockets(pid int, network string) (all []NetSocket) {
	if network == "unix" {
		return unixSockets(pid)
	}
	state := "0A" // TCP_LISTEN of include/net/tcp_states.h
	if network == "udp" {
		state = "07" // TCP_CLOSE: not connected
	}
	for _, table := range []string{network, network + "6"} {
		// sl local_address rem_address st queues timer retransmits uid timeout inode
		eachLine(pid, table, func(f []string) {
			if len(f) < 10 || f[3] != state || !strings.HasSuffix(f[2], ":0000") {
				return
			}
			inode, _ := strconv.ParseUint(f[9], 10, 64)
			if a, err := parseAddress(f[1]); err == nil {
				all = append(all, NetSocket{Address: a, Inode: inode})
			}
		})
	}
	return all
}

func unixSockets(pid int) (all []NetSocket) {
	const accepts, datagram = "00010000", "0002" // __SO_ACCEPTCON, SOCK_DGRAM
	// Num RefCount Protocol Flags Type St Inode Path
	eachLine(pid, "unix", func(f []string) {
		if len(f) >= 8 && (f[3] == accepts || f[4] == datagram) {
			inode, _ := strconv.ParseUint(f[6], 10, 64)
			all = append(all, NetSocket{Path: strings.Join(f[7:], " "), Datagram: f[4] == datagram, Inode: inode})
		}
	})
	return all
}

// ListeningPaths lists the absolute paths of the unix sockets on which a worker
// or a descendant listens. Abstract addresses are not included.
func ListeningPaths(worker int) (paths []string) {
	owners := map[uint64]int{} // processes by socket
	EachOfWorkers([]int{worker}, func(pid int, fd, to string) {
		if inode := SocketInode(to); inode != 0 {
			owners[inode] = pid
		}
	})
	if len(owners) == 0 {
		return nil
	}
	for _, s := range unixSockets(worker) {
		owner := owners[s.Inode]
		if owner == 0 || s.Datagram || s.Path[0] == '@' {
			continue
		}
		path := s.Path
		if path[0] != '/' {
			dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", owner))
			if err != nil {
				continue
			}
			path = filepath.Join(dir, path)
		}
		if path[0] == '/' && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// OwnerOf describes a process that has a socket for which match returns true, or
// returns "" if no such process is visible. network is as for NetSockets.
func OwnerOf(network string, match func(NetSocket) bool) string {
	var inodes []uint64
	for _, s := range NetSockets(os.Getpid(), network) {
		if match(s) {
			inodes = append(inodes, s.Inode)
		}
	}
	if len(inodes) == 0 {
		return ""
	}
	for _, pid := range append(processes(), os.Getpid()) {
		if Holds(pid, inodes) != 0 {
			return Name(pid)
		}
	}
	return ""
}

// eachLine calls do with the fields of each line of a table in /proc/PID/net.
func eachLine(pid int, table string, do func(fields []string)) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		do(strings.Fields(lines.Text()))
	}
}

// parseAddress reads an address of /proc/net/tcp, "0100007F:1F90", or of tcp6:
// the IP address in words of 32 bits in the byte order of the machine.
func parseAddress(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	var ip []byte
	for ; len(host) >= 8; host = host[8:] {
		word, err := strconv.ParseUint(host[:8], 16, 32)
		if err != nil {
			return netip.AddrPort{}, err
		}
		ip = binary.NativeEndian.AppendUint32(ip, uint32(word))
	}
	number, err := strconv.ParseUint(port, 16, 16)
	addr, ok := netip.AddrFromSlice(ip)
	if err != nil || !ok || host != "" {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address of /proc/net", s)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), nil
}
