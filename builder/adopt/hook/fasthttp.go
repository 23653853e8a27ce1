package hook

import (
	"bytes"
	"sync/atomic"
	"time"
	"unsafe" // for go:linkname too
)

// github.com/valyala/fasthttp caches the date that every answer carries for a second. An old version has it in the
// first variable, an atomic.Value of "Wed, 25 Nov 2026 12:00:00 GMT"; a newer version has it in the second one, an
// atomic.Pointer[[]byte] to the whole line.

//go:linkname hotstartFastDate github.com/valyala/fasthttp.serverDate
var hotstartFastDate atomic.Value

//go:linkname hotstartFastLine github.com/valyala/fasthttp.serverDateLine
var hotstartFastLine unsafe.Pointer

// hotstartFastHTTP stands for all servers of fasthttp in the program. fasthttp has no hook, and its servers can't be
// found. But a header line can be added to the line of the date.
type hotstartFastHTTP struct{}

var _ = hotstartHere.hookFastHTTP()

func (w *hotstartWorker) hookFastHTTP() bool {
	if w == nil {
		return false
	}
	w.servers = append(w.servers, hotstartFastHTTP{})
	return true
}

// drain adds "Connection: close" to the answers of fasthttp. fasthttp writes a new date each second: then an answer
// or two lack the header, and their clients get it with the next answer.
func (hotstartFastHTTP) drain() {
	go func() { // ends with the process
		for ; ; time.Sleep(hotstartPoll) {
			hotstartEditDate()
			hotstartEditLine()
		}
	}()
}

// closeIdle does nothing, because connections of fasthttp can't be found: idle ones end with the worker.
func (hotstartFastHTTP) closeIdle() {}

const hotstartDateEnds = " GMT"

// hotstartEditDate adds the header to the date, if the value is a date: a newer fasthttp may have another value
// under that name.
func hotstartEditDate() {
	date, ok := hotstartFastDate.Load().([]byte)
	if ok && bytes.HasSuffix(date, []byte(hotstartDateEnds)) {
		hotstartFastDate.Store(append(date[:len(date):len(date)], "\r\nConnection: close"...))
	}
}

// hotstartEditLine adds the header to the line, if the value is a line of a date. It checks the length first: in a
// newer fasthttp the value may not be a pointer.
func hotstartEditLine() {
	now := (*[]byte)(atomic.LoadPointer(&hotstartFastLine))
	const longest = 64 // and every address is higher
	if now == nil || len(*now) > longest || !bytes.HasSuffix(*now, []byte(hotstartDateEnds+"\r\n")) {
		return
	}
	next := append((*now)[:len(*now):len(*now)], "Connection: close\r\n"...)
	atomic.CompareAndSwapPointer(&hotstartFastLine, unsafe.Pointer(now), unsafe.Pointer(&next))
}
