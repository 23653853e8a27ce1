package control

// SocketDrops counts, for each TCP socket on which this process listens, the connections
// that the kernel has dropped because the listen queue was full. A client whose
// connection request was dropped repeats it after a second. Workers accept on the same
// sockets. The key is the inode; the count is that of the kernel, modulo 2³². Only Linux
// counts for each socket.
type SocketDrops map[uint64]uint32

// Since returns the number of connections that were dropped after an earlier count. It
// reports false if nothing is counted.
func (d SocketDrops) Since(earlier SocketDrops) (n int64, ok bool) {
	for inode, drops := range d {
		n += int64(drops - earlier[inode])
	}
	return n, len(d) > 0
}
