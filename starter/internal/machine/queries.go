package machine

// Serving returns the current worker, if there is one.
func (m *Machine) Serving() (w Worker, ok bool) { return known(m.in(serving)) }

// Starting returns the newest starting worker, if there is one.
func (m *Machine) Starting() (w Worker, ok bool) { return known(m.in(starting)) }

// Worker returns a worker that has not exited.
func (m *Machine) Worker(generation int) (w Worker, ok bool) { return known(m.find(generation)) }

func known(w *worker) (Worker, bool) {
	if w == nil {
		return Worker{}, false
	}
	return w.Worker, true
}

// All lists the workers that have not exited, oldest first.
func (m *Machine) All() (all []Worker) {
	for _, w := range m.workers {
		all = append(all, w.Worker)
	}
	return all
}

// ReadyWorkers lists the workers that serve or have served, oldest first.
func (m *Machine) ReadyWorkers() (all []Worker) {
	for _, w := range m.workers {
		if w.served {
			all = append(all, w.Worker)
		}
	}
	return all
}

// LikelyCulprit returns the worker that has most likely damaged what all workers
// share: a worker that stops closes things, a worker that serves rarely does.
func (m *Machine) LikelyCulprit() Worker {
	for _, s := range []state{leaving, draining, serving, starting, killed, retiring} {
		if w, ok := known(m.in(s)); ok {
			return w
		}
	}
	return Worker{}
}

// SaidHello reports whether a worker understands Drain.
func (m *Machine) SaidHello(generation int) bool {
	w := m.find(generation)
	return w != nil && !w.helloAt.IsZero()
}

// Serves lists the kept sockets that a worker is known to serve.
func (m *Machine) Serves(generation int) []uint64 {
	if w := m.find(generation); w != nil {
		return w.serves()
	}
	return nil
}

// MayServe reports whether a worker serves or may come to serve.
func (m *Machine) MayServe(generation int) bool {
	w := m.find(generation)
	return w != nil && w.state <= serving
}

// MayContend reports whether an older worker may keep a worker from serving.
func (m *Machine) MayContend(generation int) bool {
	w := m.find(generation)
	return w != nil && m.mayContend(w)
}

// IsIdle reports whether no worker runs or is about to be started.
func (m *Machine) IsIdle() bool {
	return len(m.workers) == 0 && (m.pending == nil || m.clearing) && !m.stopping
}

// GaveUp reports whether no worker is started any more because too many have
// failed.
func (m *Machine) GaveUp() bool { return m.gaveUp }

// Done reports whether the machine has finished.
func (m *Machine) Done() bool { return (m.stopping || m.gaveUp) && len(m.workers) == 0 }
