// Package asks decides when clients get an answer that wait until the newest code is
// served: after a check that began after the question did, and during which nothing was
// under way. The check delivers the changes that the kernel has not reported yet, and
// sees to it that no older worker accepts connections. Package session makes it.
package asks

// Queue is the questions that are not answered yet. The zero Queue is empty.
type Queue struct {
	waiting []question
	checks  int  // that have begun
	running bool // the last check has not ended
	quiet   bool // nothing has been under way since the last check began
}

type question struct {
	id     int
	checks int // that had begun before
}

// Add adds a question.
func (q *Queue) Add(id int) { q.waiting = append(q.waiting, question{id, q.checks}) }

// Remove removes a question whose client does not wait any more.
func (q *Queue) Remove(id int) {
	q.take(func(one question) bool { return one.id == id })
}

// Close removes and returns every question.
func (q *Queue) Close() []int {
	return q.take(func(question) bool { return true })
}

// Confirmed ends a check. It removes and returns the questions that are answered now.
// settled says whether nothing is under way.
func (q *Queue) Confirmed(settled bool) []int {
	q.running = false
	if !q.quiet || !settled {
		return nil
	}
	return q.take(func(one question) bool { return one.checks < q.checks })
}

// Advance is called after each event. It reports whether a check begins.
func (q *Queue) Advance(settled bool) (check bool) {
	q.quiet = q.quiet && settled
	if !settled || q.running || len(q.waiting) == 0 {
		return false
	}
	q.running, q.quiet = true, true
	q.checks++
	return true
}

func (q *Queue) take(which func(question) bool) (ids []int) {
	var rest []question
	for _, one := range q.waiting {
		if which(one) {
			ids = append(ids, one.id)
		} else {
			rest = append(rest, one)
		}
	}
	q.waiting = rest
	return ids
}
