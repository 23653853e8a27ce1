package starter

// A sight is what the kernel shows of a worker and the processes below it with
// regard to some sockets, in their order. On a socket that is in neither list
// no process waits for connections, as long as blind is nil.
type sight struct {
	waits []uint64 // one waits for connections
	maybe []uint64 // one has registered the socket, which it may have done long before it accepts, and no more can be seen
	blind error    // why not all can be seen; nil: it can
}
