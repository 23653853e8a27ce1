package hook

import (
	"bytes"
	"sync/atomic"
	"time"
	"unsafe" // for go:linkname too
)

// These are where github.com/valyala/fasthttp keeps the date that every answer
// carries, for a second: an old one in the first, an atomic.Value of
// "Wed, 25 Nov 2026 12:00:00 GMT"; a newer one in the second, an
// atomic.Pointer[[]byte] to the whole line.

//go:linkname hotstartFastDate github.com/valyala/fasthttp.serverDate
var hotstartFastDate atomic.Value

//go:linkname hotstartFastLine github.com/valyala/fasthttp.serverDateLine
var hotstartFastLine unsafe.Pointer

// hotstartFastHTTP is all servers of fasthttp in the program. It gives no hook, and no
// way to find its servers; but one header line brings another with it.
type hotstartFastHTTP struct{}

var _ = hotstartHere.hookFastHTTP()

func (w *hotstartWorker) hookFastHTTP() bool {
	if w == nil {
		return false
	}
	w.servers = append(w.servers, hotstartFastHTTP{})
	return true
}

// drain has the answers of fasthttp tell clients to close their connections. fasthttp
// writes a new date each second: then an answer or two go without, and whoever got
// them is told with the next.
func (hotstartFastHTTP) drain() {
	go func() { // ends with the process
		for ; ; time.Sleep(hotstartPoll) {
			hotstartLastDate()
			hotstartLastLine()
		}
	}()
}

// closeIdle can't be done: a connection that is idle ends with the worker.
func (hotstartFastHTTP) closeIdle() {}

const hotstartDateEnds = " GMT"

// hotstartLastDate changes the date if it is one. What a fasthttp that is newer
// than this code has under that name is left alone.
func hotstartLastDate() {
	date, ok := hotstartFastDate.Load().([]byte)
	if ok && bytes.HasSuffix(date, []byte(hotstartDateEnds)) {
		hotstartFastDate.Store(append(date[:len(date):len(date)], "\r\nConnection: close"...))
	}
}

// hotstartLastLine changes the line if it is one. Its length is looked at first, or
// there may be nothing behind what only seems to be a pointer.
func hotstartLastLine() {
	now := (*[]byte)(atomic.LoadPointer(&hotstartFastLine))
	const longest = 64 // and no address is as low
	if now == nil || len(*now) > longest || !bytes.HasSuffix(*now, []byte(hotstartDateEnds+"\r\n")) {
		return
	}
	next := append((*now)[:len(*now):len(*now)], "Connection: close\r\n"...)
	atomic.CompareAndSwapPointer(&hotstartFastLine, unsafe.Pointer(now), unsafe.Pointer(&next))
}
