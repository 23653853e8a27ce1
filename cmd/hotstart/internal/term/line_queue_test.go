package term

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pipe that is not read for a while gets as much as it has room for, and the queue gets
// as much as it has room for. The rest is dropped, and its number is written.
func TestALineQueueNeverBlocks(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	q := newLineQueue(w, droppedLines)
	const total = 2 * lineQueueSize
	long := strings.Repeat("x", 1000)
	for i := range total { // 2 MB, and a pipe holds 64 KiB
		fmt.Fprintf(q, "%d %s\n", i, long)
	}
	go func() {
		q.close(time.Minute)
		w.Close()
	}()
	read, dropped := 0, 0
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if number, found := strings.CutSuffix(lines.Text(), " lines were dropped here, because the log was not read"); found {
			n, _ := strconv.Atoi(number)
			dropped += n
			continue
		}
		if want := fmt.Sprintf("%d %s", read+dropped, long); lines.Text() != want {
			t.Fatalf("line %d is %.20q", read, lines.Text())
		}
		read++
	}
	if dropped == 0 || read+dropped != total {
		t.Errorf("of %d lines %d were read and %d dropped", total, read, dropped)
	}
}

// Queued writes come before the report of the writes that were dropped after them.
func TestALineQueueReportsWhatIsDroppedInItsPlace(t *testing.T) {
	t.Parallel()
	q := &lineQueue{notice: droppedLines, items: make([][]byte, lineQueueSize-1)} // nothing is written
	fmt.Fprint(q, "taken")
	fmt.Fprint(q, "dropped")
	if last := q.items[len(q.items)-1]; string(last) != "taken" {
		t.Errorf("%q comes last", last)
	}
	q.items = q.items[1:]
	fmt.Fprint(q, "taken, too")
	if end := fmt.Sprintf("%s", q.items[len(q.items)-3:]); end != "[taken "+droppedLines(1)+" taken, too]" {
		t.Errorf("the end is %q", end)
	}
}

func TestALineQueueWithABlockedWriterCanBeClosed(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	q := newLineQueue(w, droppedLines)
	for range 2 * lineQueueSize {
		fmt.Fprintln(q, strings.Repeat("x", 1000))
	}
	q.close(time.Millisecond)
}

// Other goroutines may write to the queue, or close it, while it is closed.
func TestALineQueueIsClosedWhileItIsUsed(t *testing.T) {
	t.Parallel()
	q := newLineQueue(io.Discard, droppedLines)
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for range 100 {
				fmt.Fprintln(q, "a line")
				q.flush(time.Microsecond)
				q.await()
			}
			q.close(time.Minute)
			q.flush(time.Minute)
			fmt.Fprintln(q, "too late")
		})
	}
	users.Wait()
}

// Another process may have made the pipe of a shell non-blocking.
func TestADescriptorThatDoesNotBlockIsWrittenToInFull(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd := int(w.Fd())
	unix.SetNonblock(fd, true)
	text := []byte(strings.Repeat("a line\n", 50000))
	go func() {
		descriptor(fd).Write(text)
		w.Close()
	}()
	n := 0
	for lines := bufio.NewScanner(r); lines.Scan(); n++ {
	}
	if n != 50000 {
		t.Errorf("%d lines came", n)
	}
}

// A line of hotstart comes before everything that is written to the same file after it.
func TestAnOrderedQueueWaitsForItsLine(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	q := NewOrderedQueue(w)
	go func() {
		for range 100 {
			fmt.Fprintln(q, "cause")
			fmt.Fprintln(w, "effect")
		}
		q.close(time.Minute)
		w.Close()
	}()
	last := "effect"
	for lines := bufio.NewScanner(r); lines.Scan(); last = lines.Text() {
		if lines.Text() == last {
			t.Fatalf("%q twice in a row", last)
		}
	}
}
