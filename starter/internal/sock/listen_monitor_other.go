//go:build !linux

package sock

// A Monitor reports nothing without epoll(7). Sockets are checked before a worker
// starts.
type Monitor struct{}

// NewMonitor returns nil.
func NewMonitor() (*Monitor, error) { return nil, nil }

// Add does nothing.
func (m *Monitor) Add(*Socket) {}

// Run does nothing.
func (m *Monitor) Run(func(inode uint64)) {}

// Close does nothing.
func (m *Monitor) Close() {}
