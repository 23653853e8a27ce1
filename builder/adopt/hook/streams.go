package hook

import (
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// streams marks the connection of a request whose answer may never end, for example a WebSocket. net/http no
// longer follows such a connection.
func (h *hotstartHTTP) streams(r *http.Request) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return
	}
	hotstartAnyState(func(fd int, is uint32) bool {
		if is != hotstartOpen || hotstartPeer(fd) != peer {
			return false
		}
		hotstartFDs[fd].CompareAndSwap(is, hotstartOpen|hotstartStreams)
		return true
	})
}

// hotstartPeer returns the address of the client of a connection.
func hotstartPeer(fd int) netip.AddrPort {
	peer, err := syscall.Getpeername(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	at := hotstartAddrPort(peer)
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// closeStreams closes connections of HTTP/1 whose answer began hotstartIdleTime ago and has not ended. It reads the
// server's own list of connections; in a Go where the list has another form, it closes nothing. The drain calls it
// in each round.
func (h *hotstartHTTP) closeStreams() {
	var streams []net.Conn
	answers := map[unsafe.Pointer]time.Time{}
	hotstartInside(h.server, func(server reflect.Value) {
		conns := server.FieldByName("activeConn")
		if !conns.IsValid() || conns.Kind() != reflect.Map {
			return
		}
		for _, key := range conns.MapKeys() {
			if key.Kind() != reflect.Ptr {
				continue
			}
			answer := hotstartBegunAnswer(key.Elem())
			if answer == nil {
				continue
			}
			since, known := h.answers[answer]
			if !known {
				since = time.Now()
			}
			answers[answer] = since
			rwc := key.Elem().FieldByName("rwc")
			if time.Since(since) >= hotstartIdleTime && rwc.IsValid() && rwc.Type() == reflect.TypeOf((*net.Conn)(nil)).Elem() {
				streams = append(streams, *(*net.Conn)(unsafe.Pointer(rwc.UnsafeAddr())))
			}
		}
	})
	h.answers = answers
	for _, conn := range streams {
		conn.Close()
	}
}

// hotstartBegunAnswer returns the answer that has begun on conn, a connection of net/http, or nil.
// The field curReq of conn is an atomic.Pointer[response].
//
// The field wroteHeader is not guarded by a lock; a slightly old value is good enough.
//
//go:norace
func hotstartBegunAnswer(conn reflect.Value) unsafe.Pointer {
	request := conn.FieldByName("curReq")
	if request.Kind() != reflect.Struct {
		return nil
	}
	load, ok := reflect.PointerTo(request.Type()).MethodByName("Load")
	pointer := request.FieldByName("v")
	if !ok || pointer.Kind() != reflect.UnsafePointer || load.Type.NumOut() != 1 || load.Type.Out(0).Kind() != reflect.Ptr {
		return nil
	}
	wrote, ok := load.Type.Out(0).Elem().FieldByName("wroteHeader")
	response := atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(pointer.UnsafeAddr())))
	if !ok || wrote.Type.Kind() != reflect.Bool || response == nil || !*(*bool)(unsafe.Pointer(uintptr(response) + wrote.Offset)) {
		return nil
	}
	return response
}
