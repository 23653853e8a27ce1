package starter

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/sock"
	"github.com/hotstart/hotstart/starter/internal/wire"
	"golang.org/x/sys/unix"
)

func TestReceive(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		pieces []string // each is a message
		fds    int      // that come with the first one
		want   string
		err    string
	}{
		{"a line", []string{"hello 1\n"}, 0, "hello|1", ""},
		{"lines in pieces", []string{"he", "llo", " 1", "\nre", "ady\n"}, 0, "hello|1 -- ready", ""},
		{"a path with spaces", []string{"want unix /a b  c \n"}, 0, "want|unix|/a b  c ", ""},
		{"keep", []string{"keep tcp :1\n"}, 1, "keep|tcp|:1|fd", ""},
		{"keep in pieces", []string{"ke", "ep tcp :1\n"}, 1, "keep|tcp|:1|fd", ""},
		{"two keeps with one message", []string{"keep tcp :1\nkeep tcp :2\n"}, 2, "keep|tcp|:1|fd -- keep|tcp|:2|fd", ""},
		{"keep without a descriptor", []string{"ready\nkeep tcp :1\nready\n"}, 0, "ready", "broker: keep came without a descriptor"},
		{"keep after the descriptor of another line", []string{"ready\n", "keep tcp :1\n"}, 1, "ready", "broker: keep came without a descriptor"},
		{"a descriptor too many", []string{"ready\n"}, 1, "ready", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			read := make(chan bool)
			theirs, wait := listening(t, func(m wire.Message) bool {
				line := strings.Join(m.Words, "|")
				if m.FD >= 0 {
					line += "|fd"
				}
				got = append(got, line)
				read <- true
				return false
			}, func() { close(read) })
			for i, piece := range test.pieces {
				if err := send(theirs, []byte(piece), slices.Repeat([]int{2}, test.fds*(1-min(i, 1)))...); err != nil {
					t.Fatal(err)
				}
				if i == 0 && strings.HasPrefix(piece, "ready\n") {
					<-read // so that its descriptor is not in the buffer when the next line comes
				}
			}
			theirs.CloseWrite()
			for range read {
			}
			err := wait()
			if strings.Join(got, " -- ") != test.want {
				t.Errorf("read %q, want %q", got, test.want)
			}
			if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

// desk is a Starter with one worker that is only a broker connection, of which desk
// has the worker's end.
type desk struct {
	*Starter
	theirs *net.UnixConn
	events []Event
}

func newDesk(t testing.TB, o Options) *desk {
	t.Helper()
	d := &desk{}
	o.Report = func(e Event) { d.events = append(d.events, e) }
	o.Ready = cmp.Or(o.Ready, ReadyNotify)
	d.Starter = newStarter(o.withDefaults(), func(s *Starter, generation int, c *Command, _ []string) (*running, error) {
		ours, fd, err := proc.ConnPair()
		if err != nil {
			return nil, err
		}
		f := os.NewFile(uintptr(fd), "worker's end")
		defer f.Close()
		theirs, err := net.FileConn(f)
		if err != nil {
			return nil, err
		}
		d.theirs = theirs.(*net.UnixConn)
		a := &actor{generation: generation, theatre: &theatre{}, end: make(chan syscall.WaitStatus, 8)}
		return &running{process: a, broker: ours, probeCtx: t.Context(), stopProbe: func() {}}, nil
	})
	d.step(machine.Reload{Command: identity(&Command{Path: "worker"})})
	t.Cleanup(func() {
		d.Close()
		d.theirs.Close()
		d.workers[1].process.(*actor).end <- 0
		if b := d.workers[1].broker; b != nil {
			b.Close()
		}
	})
	return d
}

// says makes the loop handle a line of the worker.
func (d *desk) says(words ...string) []machine.Event {
	return d.reply(1, wire.Message{Words: words, FD: -1})
}

// gives makes the worker give a socket, as of fd.
func (d *desk) gives(network, address string, fd int) {
	d.step(d.reply(1, wire.Message{Words: []string{"keep", network, address}, FD: fd})...)
}

// reads returns the next line to the worker, and its descriptor.
func (d *desk) reads(t *testing.T) (line string, fd int) {
	t.Helper()
	d.theirs.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf, control := make([]byte, 512), make([]byte, 512)
	n, oobn, _, _, err := d.theirs.ReadMsgUnix(buf, control)
	if err != nil {
		return err.Error(), -1
	}
	messages, _ := unix.ParseSocketControlMessage(control[:oobn])
	fd = -1
	for _, m := range messages {
		got, _ := unix.ParseUnixRights(&m)
		for _, got := range got {
			unix.Close(fd)
			fd = got
		}
	}
	return string(buf[:n]), fd
}

func TestHello(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	if got := d.says("hello", "1"); !slices.Equal(got, []machine.Event{machine.Hello(1)}) {
		t.Errorf("hello led to %#v", got)
	}
	for _, words := range [][]string{{""}, {"hello"}, {"later", "words"}, {"want", "tcp"}, {"keep"}} {
		if got := d.says(words...); got != nil {
			t.Errorf("%q led to %#v", words, got)
		}
	}
	d.says("hello", "2")
	if d.workers[1].broker != nil {
		t.Error("the broker of an unsupported version stays open")
	}
	if want := `broker: unsupported protocol version "2"`; len(d.events) != 2 || d.events[1].Kind != BrokerError || d.events[1].Err.Error() != want {
		t.Errorf("events %v, want the last to be refused with %q", d.events, want)
	}
	if line, _ := d.reads(t); !strings.HasSuffix(line, "EOF") {
		t.Errorf("the worker reads %q", line)
	}
}

// Messages of a worker become events of the machine.
func TestBrokerMessages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Ready: ReadyAuto, Ports: []string{"127.0.0.1:0"}})
	own := listenOn(t, "127.0.0.1:0")
	d.kept.Own = []*sock.Socket{own}
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	inode := inodeOf(fd)
	d.gives("tcp4", name, fd)
	d.step(d.says("want", "tcp4", own.Local)...)
	d.step(d.says("want", "tcp4", "127.0.0.1:1")...)
	if got := d.machine.Serves(1); len(got) != 2 || !slices.Contains(got, inode) || !slices.Contains(got, own.Inode) {
		t.Errorf("it listens on %v, want %d and %d", got, inode, own.Inode)
	}
	for _, test := range []struct {
		words []string
		want  machine.Event
	}{
		{[]string{"accepts", fmt.Sprint(inode)}, machine.Accepts{Worker: 1, Socket: inode}},
		{[]string{"accepts", fmt.Sprint(own.Inode)}, machine.Accepts{Worker: 1, Socket: own.Inode}},
		{[]string{"accepts", "1"}, nil},
		{[]string{"accepts", "me"}, nil},
		{[]string{"accepts"}, nil},
		{[]string{"ready"}, machine.SaidReady(1)},
	} {
		if got := d.says(test.words...); (test.want == nil) != (len(got) == 0) || test.want != nil && !slices.Equal(got, []machine.Event{test.want}) {
			t.Errorf("%q led to %#v, want %#v", test.words, got, test.want)
		}
	}
}

func TestWantAndKeep(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	inode := inodeOf(fd)
	d.says("want", "tcp4", name)
	if line, got := d.reads(t); line != "none\n" || got != -1 {
		t.Errorf("%q with descriptor %d", line, got)
	}
	d.gives("tcp4", name, fd)
	d.says("want", "tcp4", name)
	line, got := d.reads(t)
	defer unix.Close(got)
	if line != "socket\n" || inodeOf(got) != inode {
		t.Errorf("%q with descriptor %d", line, got)
	}
	if len(d.events) != 2 || d.events[1].Kind != SocketKept || d.events[1].Address.String() != name {
		t.Errorf("events %v", d.events)
	}
}

func TestKeepOfAnotherSocketFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	inode := inodeOf(fd)
	d.gives("tcp4", "127.0.0.1:1", fd)
	if inodeOf(fd) == inode {
		t.Error("the descriptor is open")
	}
	want := fmt.Sprintf("keeping the socket of tcp4 127.0.0.1:1: it is bound to %q", name)
	if len(d.events) != 2 || d.events[1].Err.Error() != want {
		t.Errorf("events %v, want %s", d.events, want)
	}
}

// Nobody would accept on a socket from a worker that stops.
func TestKeepOfALeavingWorker(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.step(machine.Stop{Signal: syscall.SIGTERM})
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	inode := inodeOf(fd)
	d.gives("tcp4", name, fd)
	if inodeOf(fd) == inode || len(d.kept.Given) != 0 {
		t.Error("it was kept")
	}
}

// A socket that a worker closes while it serves is released at once, unless another
// generation uses it. A socket that it closes because it stops is kept.
func TestDropOfASocket(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before  func(d *desk, inode uint64)
		dropped string // instead of the inode
		want    int
	}{
		"by a starting worker":          {func(*desk, uint64) {}, "", 0},
		"by a serving worker":           {func(d *desk, _ uint64) { d.step(machine.SaidReady(1)) }, "", 0},
		"by a leaving worker":           {func(d *desk, _ uint64) { d.step(machine.Stop{Signal: syscall.SIGTERM}) }, "", 1},
		"that another one uses":         {func(d *desk, inode uint64) { d.kept.Use(2, inode) }, "", 1},
		"that is not kept":              {func(*desk, uint64) {}, "1", 1},
		"that is named by something":    {func(*desk, uint64) {}, "-1", 1},
		"that is named by an address":   {func(*desk, uint64) {}, "tcp4 127.0.0.1:1", 1},
		"that is named by a long digit": {func(*desk, uint64) {}, strings.Repeat("9", 30), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, Options{})
			fd, name := bound(t, "tcp4", "127.0.0.1:0")
			inode := inodeOf(fd)
			d.gives("tcp4", name, fd)
			test.before(d, inode)
			if test.dropped == "" {
				test.dropped = strconv.FormatUint(inode, 10)
			}
			d.step(d.says("drop", test.dropped)...)
			if line, _ := d.reads(t); line != "none\n" {
				t.Errorf("drop is answered by %q", line)
			}
			if last := d.events[len(d.events)-1]; (last.Kind == SocketClosed && last.Address.String() == name) != (test.want == 0) {
				t.Errorf("reported %v", last)
			}
			if len(d.kept.Given) != test.want || (inodeOf(fd) == inode) != (test.want == 1) {
				t.Errorf("%d sockets are kept", len(d.kept.Given))
			}
		})
	}
}

func TestMessagesOfAnExitedWorkerAreIgnored(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	inode := inodeOf(fd)
	if got := d.reply(9, wire.Message{Words: []string{"keep", "tcp4", name}, FD: fd}); got != nil || inodeOf(fd) == inode {
		t.Errorf("led to %#v, or the descriptor is open", got)
	}
	d.hangUp(9, fmt.Errorf("any"))
	if len(d.events) != 1 {
		t.Errorf("events %v", d.events)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{DrainTimeout: time.Hour})
	d.step(d.says("hello", "1")...)
	d.step(machine.SaidReady(1))
	d.step(machine.Stop{Signal: syscall.SIGTERM})
	if line, _ := d.reads(t); line != "drain\n" {
		t.Fatalf("the worker reads %q", line)
	}
	if got := d.says("drained"); !slices.Equal(got, []machine.Event{machine.Drained(1)}) {
		t.Errorf("drained led to %#v", got)
	}
}

func TestTheLastDrain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{DrainTimeout: time.Hour, CutStreams: true})
	d.step(d.says("hello", "1")...)
	d.step(machine.SaidReady(1))
	d.step(machine.Stop{Signal: syscall.SIGTERM})
	if lines, _ := d.reads(t); lines != "last\ndrain\n" {
		t.Fatalf("the worker reads %q", lines)
	}
}

// A worker that has closed its connection can't say drained. It gets its signal.
//
// Not parallel: a child that another test forks has every descriptor until
// it executes its program, and the connection is open until then.
func TestADrainEndsWithTheBroker(t *testing.T) {
	for name, hangUp := range map[string]func(d *desk){
		"while it drains": func(d *desk) {
			d.step(machine.Stop{Signal: syscall.SIGTERM})
			d.step(d.hangUp(1, nil)...)
		},
		"before": func(d *desk) {
			d.hangUp(1, nil)
			d.step(machine.Stop{Signal: syscall.SIGTERM})
		},
		"without notice": func(d *desk) {
			d.theirs.Close()
			d.step(machine.Stop{Signal: syscall.SIGTERM})
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, Options{DrainTimeout: time.Hour})
			d.step(d.says("hello", "1")...)
			d.step(machine.SaidReady(1))
			hangUp(d)
			if got := d.workers[1].process.(*actor).theatre.told(); !strings.HasSuffix(got, "TERM to 1") {
				t.Errorf("it got %q", got)
			}
		})
	}
}

// A worker that asks and never reads must not block the loop repeatedly.
func TestAWorkerThatDoesNotReadIsDisconnected(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	for range 1 << 16 {
		d.says("want", "tcp", "[::]:1")
		if d.workers[1].broker == nil {
			break
		}
	}
	if len(d.events) != 2 || d.events[1].Err.Error() != "broker: the worker does not read its messages" {
		t.Errorf("events %v", d.events)
	}
}

// send writes bytes and descriptors in one message.
func send(c *net.UnixConn, b []byte, fds ...int) error {
	_, _, err := c.WriteMsgUnix(b, unix.UnixRights(fds...), nil)
	return err
}

// listening starts wire.Serve and calls done when it ends. It returns the worker's
// end of the connection, and a function that waits for the error of wire.Serve.
func listening(t testing.TB, handle func(wire.Message) bool, done func()) (theirs *net.UnixConn, wait func() error) {
	t.Helper()
	ours, fd, err := proc.ConnPair()
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "worker's end")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		err := wire.Serve(ours, handle)
		ours.Close()
		done()
		ended <- err
	}()
	return c.(*net.UnixConn), func() error {
		c.Close()
		return <-ended
	}
}

func TestTooManyDescriptorsInOneMessage(t *testing.T) {
	t.Parallel()
	heard := 0
	theirs, wait := listening(t, func(wire.Message) bool { heard++; return true }, func() {})
	if err := send(theirs, []byte("ready\n"), slices.Repeat([]int{2}, 24)...); err != nil {
		t.Fatal(err)
	}
	theirs.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err := wait(); heard != 0 || err == nil {
		t.Errorf("received %d messages, error %v", heard, err)
	}
}

// FuzzBroker sends arbitrary bytes in pieces, with copies of one end of a pipe. The
// pipe ends only if no copy has leaked.
func FuzzBroker(f *testing.F) {
	f.Add([]byte("hello 1\nwant tcp [::]:80\nready\n"), byte(3), byte(0))
	f.Add([]byte("keep tcp [::]:80\nkeep tcp [::]:80\n"), byte(17), byte(1))
	f.Add([]byte("keep\nkeep tcp\ndrained\n\n\n"), byte(5), byte(3))
	f.Add([]byte(strings.Repeat("x", 2000)), byte(255), byte(16))
	f.Add([]byte("ready\n"), byte(1), byte(40))
	f.Add([]byte(strings.Repeat("x", 700)), byte(0), byte(1))
	f.Fuzz(func(t *testing.T, sent []byte, piece, carried byte) {
		if len(sent) > 4096 {
			return
		}
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		d := &sock.Table{}
		theirs, wait := listening(t, func(s wire.Message) bool {
			if len(s.Words) == 0 || len(s.Words) > 3 || (s.FD >= 0) != (s.Words[0] == "keep") {
				t.Errorf("heard %q with %d", s.Words, s.FD)
			}
			if s.FD >= 0 {
				if len(s.Words) < 3 {
					return false // wire.Serve closes it
				}
				if _, _, err := d.Keep(1, s.Words[1], s.Words[2], s.FD); err == nil {
					t.Error("a pipe is kept")
				}
			}
			return true
		}, func() {})
		for size := int(piece)%256 + 1; len(sent) > 0; sent = sent[min(size, len(sent)):] {
			if send(theirs, sent[:min(size, len(sent))], slices.Repeat([]int{int(write.Fd())}, int(carried)%64)...) != nil {
				break // the connection is closed
			}
		}
		write.Close()
		wait()
		read.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := read.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a descriptor has leaked: read %d, %v", n, err)
		}
	})
}
